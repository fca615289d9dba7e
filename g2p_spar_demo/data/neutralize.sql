-- a copy of a database signs nobody in in the name of the original
DELETE FROM g2p_spar_demo_identity_key;
DELETE FROM g2p_spar_demo_sign_in;
