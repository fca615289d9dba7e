# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a running server's database holds: mappings, and the history that must agree with them."""

import base64
import hmac
import json

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

EVENTS = """
SELECT DISTINCT ON (id_digest) id_digest, operation, mapping_id, new_fa_digest
FROM g2p_spar_mapping_event WHERE id_digest = ANY(%s) ORDER BY id_digest, id DESC"""
COUNTS = """
SELECT id_digest, count(*), count(*) FILTER (WHERE operation = 'link')
FROM g2p_spar_mapping_event WHERE id_digest = ANY(%s) GROUP BY id_digest"""


class RegistryState:
    """Reads the database behind the API's back.

    :param server: `RunningServer`
    """

    def __init__(self, server):
        self._server = server
        keys = json.loads((server.log_path.parent / "keys.json").read_text(encoding="utf-8"))
        self._master_key = base64.urlsafe_b64decode(keys["digest_key"])

    def query(self, statement, *parameters):
        connection = self._server.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall()
        finally:
            connection.close()

    def digest(self, purpose, value):
        """The keyed digest (HMAC-SHA256) of the value in lower case, as history has it."""
        info = f"g2p_spar {purpose}".encode()
        key = HKDF(SHA256(), 32, salt=None, info=info).derive(self._master_key)
        return hmac.digest(key, value.lower().encode(), "sha256")

    def mappings(self, ids):
        """The address of each ID that is linked."""
        rows = self.query(
            "SELECT id_value, fa FROM g2p_spar_mapping WHERE id_key = ANY(%s)",
            [id_.lower() for id_ in ids],
        )
        found = dict(rows)
        assert len(found) == len(rows), "an ID has more than one mapping"
        return found

    def event_counts(self, ids):
        """Per ID: number of events, and how many of them are links."""
        digests = {self.digest("id", id_): id_ for id_ in ids}
        rows = self.query(COUNTS, list(digests))
        return {digests[bytes(digest)]: (events, links) for digest, events, links in rows}

    def check_history(self, ids):
        """The last event of each ID tells what its mapping is now, and nothing else is linked."""
        digests = {id_: self.digest("id", id_) for id_ in ids}
        last = {bytes(row[0]): row[1:] for row in self.query(EVENTS, list(digests.values()))}
        rows = self.query(
            "SELECT id_value, id, fa FROM g2p_spar_mapping WHERE id_key = ANY(%s)",
            [id_.lower() for id_ in ids],
        )
        mappings = {id_: (mapping_id, fa) for id_, mapping_id, fa in rows}
        for id_, digest in digests.items():
            operation, mapping_id, fa_digest = last.get(digest, (None, None, None))
            if operation in (None, "unlink"):
                assert id_ not in mappings
                continue
            assert mappings[id_][0] == mapping_id
            assert self.digest("fa", mappings[id_][1]) == bytes(fa_digest)

    def messages(self, message_id):
        """(state, items, succeeded) of the messages with that id."""
        return self.query(
            "SELECT state, item_count, succeeded_count FROM g2p_spar_message WHERE message_id = %s",
            message_id,
        )
