# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import fields, models


class G2pSparDemoPerson(models.Model):
    """Somebody invented, whom the demonstration identity provider knows."""

    _name = "g2p.spar.demo.person"
    _description = "SPAR Demonstration Person"
    _order = "sequence, id"

    sequence = fields.Integer()
    subject = fields.Char(
        required=True, help="What a relying party learns as sub: digits, unlike any real ID."
    )
    given_name = fields.Char(required=True)
    family_name = fields.Char(required=True)
    gender = fields.Char(required=True)
    birthdate = fields.Date(required=True)
    email = fields.Char()
    phone_number = fields.Char()

    _subject_unique = models.UniqueIndex("(subject)")

    def _compute_display_name(self):
        for person in self:
            person.display_name = f"{person.given_name} {person.family_name}"

    def _claims(self, names):
        """Those of the standard claims (OpenID Connect Core 1.0 section 5.1) that are known."""
        self.ensure_one()
        known = {
            "individual_id": self.subject,
            "name": self.display_name,
            "given_name": self.given_name,
            "family_name": self.family_name,
            "gender": self.gender,
            "birthdate": fields.Date.to_string(self.birthdate),
            "email": self.email,
            "phone_number": self.phone_number,
        }
        return {name: known[name] for name in names if known[name]}
