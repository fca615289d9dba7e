-- a copy of a database answers no participant of the original
UPDATE g2p_spar_participant SET client_secret_digest = NULL, secret_version = secret_version + 1;
DELETE FROM g2p_spar_access_token;
