-- a copy of a database signs nobody in in the name of the original
UPDATE g2p_spar_signin_provider
   SET active = false,
       client_key_sealed = NULL,
       client_jwk = NULL,
       client_secret_sealed = NULL,
       client_secret_set_at = NULL,
       userinfo_key_sealed = NULL,
       userinfo_jwk = NULL;
-- and knows nobody who is signed in there
DELETE FROM g2p_spar_signin_attempt;
DELETE FROM g2p_spar_beneficiary_session;
DELETE FROM g2p_spar_assisted_session;
DELETE FROM g2p_spar_assisted_link;
DELETE FROM g2p_spar_agent_own;
DELETE FROM g2p_spar_assisted_sign_in;
-- nor changes what people have asked for there
SELECT set_config('spar.maintenance', 'neutralize', false);
DELETE FROM g2p_spar_change_draft;
DELETE FROM g2p_spar_change_link;
DELETE FROM g2p_spar_known_contact;
UPDATE g2p_spar_change
   SET contacts_sealed = NULL;
UPDATE g2p_spar_change
   SET state = 'failed',
       outcome = 'unreadable',
       ended_at = now() AT TIME ZONE 'UTC',
       new_sealed = NULL
 WHERE state = 'pending';
SELECT set_config('spar.maintenance', '', false);
