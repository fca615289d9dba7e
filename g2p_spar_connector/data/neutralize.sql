-- A copy of a database must not change addresses at another mapper
UPDATE g2p_spar_connector
   SET backend = 'none'
 WHERE backend NOT IN ('none', 'local');
