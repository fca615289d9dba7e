-- A copy of a database must not change addresses at another mapper
UPDATE g2p_spar_connector
   SET backend = 'none'
 WHERE backend NOT IN ('none', 'local');
UPDATE g2p_spar_connector
   SET remote_client_secret_sealed = NULL,
       remote_client_secret_set_at = NULL;
DELETE FROM g2p_spar_connector_token;
-- what waits to be handed over stays here
DELETE FROM g2p_spar_remote_message;
-- and what the outbox holds
DELETE FROM g2p_spar_outbox;
-- nor sign in the name of the original
DELETE FROM g2p_spar_signing_key;
