-- a copy of a database answers no participant of the original
UPDATE g2p_spar_participant SET client_secret_digest = NULL, secret_version = secret_version + 1;
DELETE FROM g2p_spar_access_token;
UPDATE g2p_spar_participant SET authentication = 'token', signature_dialect = NULL,
    sign_answers = false, network = NULL;
UPDATE g2p_spar_token_issuer SET jwks_url = NULL, jwks = NULL;
DELETE FROM g2p_spar_participant_key;
UPDATE g2p_spar_participant SET jwks_url = NULL;
-- nor does it call anybody
UPDATE g2p_spar_participant SET callback_url = NULL, callback_hosts = NULL;
UPDATE g2p_spar_message SET callback_url = NULL WHERE state IN ('queued', 'running');
UPDATE g2p_spar_callback SET state = 'parked' WHERE state = 'waiting';
