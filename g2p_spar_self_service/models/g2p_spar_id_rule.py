# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.g2p_spar_connector.models.g2p_spar_id_rule import DOCUMENT
from odoo.addons.g2p_spar_fa_directory.ids import ascii_lower

from ..person import MAPPER_SECONDS, Person
from .g2p_spar_signin_provider import DELIMITERS


class G2pSparIdRule(models.Model):
    _inherit = "g2p.spar.id.rule"

    for_portal = fields.Boolean(
        "For Portal Users",
        help="Users of the portal whose contact gets an ID by this rule may see and change where "
        "they are paid. Only for references that they cannot change themselves, and that your "
        "staff checks.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("for_portal", "source", "field_name")
    def _check_for_portal(self):
        for rule in self.filtered("for_portal"):
            if rule._is_written_by_portal():
                raise ValidationError(
                    self.env._(
                        "ID rule “%s” cannot be for portal users: they can change this field of "
                        "their contact themselves, and so make somebody else's ID.",
                        rule.name,
                    )
                )

    # === BUSINESS METHODS === #

    @api.private
    @api.model
    def portal_person(self, user):
        """The person that a portal user is by their contact's reference.

        :param user: who is signed in to this site
        :return: None where the user is no portal user, or no rule gives the contact an ID that is
            theirs alone
        :rtype: Person | None
        """
        user = user.sudo()
        if not user._is_portal():
            # staff may edit contacts, their own too
            return None
        company = user.partner_id.company_id or user.company_id
        connector = self.env["g2p.spar.connector"]._get_default(company)
        for rule in self._portal_rules(company):
            made = rule._portal_id(user.partner_id)
            if made is False:
                return None
            if made:
                return Person(
                    id=made,
                    kind="portal",
                    # what users write themselves is not verified
                    name="",
                    email="",
                    phone="",
                    session=self.env["g2p.spar.beneficiary.session"].sudo(),
                    user=user,
                    connector=connector.within(MAPPER_SECONDS),
                )
        return None

    @api.private
    @api.model
    @tools.ormcache("company.id")
    def has_portal_rules(self, company):
        """Whether users of the portal may have an ID at all."""
        return bool(self._portal_rules(company))

    def _portal_id(self, partner):
        """The ID that this rule gives to a contact, as strict as with claims of a provider.

        :return: None where it gives none. False where no other rule stands in for it either: the
            reference is not valid any more, could make an ID of another form, or the ID is another
            contact's too, by whichever rule
        """
        value = self._raw_values(partner).get(partner.id)
        made = self.make_ids(partner)[0].get(partner.id)
        if not made:
            return False if self.void_ids(partner) else None
        is_plain = not self.strategy_id or not DELIMITERS & set(value)
        if not is_plain or self._reference_of(made) != value:
            return False
        # each rule may give it, those for programmes alone and of other companies too
        for rule in self.sudo().search([("active", "=", True)]):
            reference = rule._reference_of(made)
            if reference and rule._has_other_holders(partner, reference):
                return False
        return made

    def _reference_of(self, made):
        """Of which reference this rule would make an ID; None where of none."""
        if not self.strategy_id:
            return made
        parts = self.strategy_id.deconstruct(made) or {}
        return parts["sub"] if parts.keys() == {"sub"} else None

    def _has_other_holders(self, partner, value):
        """Whether another contact has this reference as well, an archived one or in other case; so
        it is, too, where a source cannot tell. To be extended by a source."""
        rule = self.with_context(active_test=False)
        if self.source == DOCUMENT:
            documents = rule._documents(_is_text("value", value))
            return any(document.partner_id != partner for document in documents)
        field = self.source == "field" and self._reference_field()
        if not field:
            return True
        if field.type != "integer":
            same = _is_text(field.name, value)
        elif value.isascii() and value.isdecimal() and value == str(int(value)):
            same = Domain(field.name, "=", int(value))
        else:
            return False
        partners = rule.env["res.partner"].sudo()
        partners = partners.with_company(self.company_id or self.env.company)
        # a limit would have PostgreSQL read the whole table until it finds one
        return bool(partners.search_count(same & Domain("id", "!=", partner.id)))

    def _portal_rules(self, company):
        rules = self.sudo().search(
            [("for_portal", "=", True), ("company_id", "in", (company.id, False))]
        )
        return rules.filtered(lambda rule: not rule._is_written_by_portal())

    def _is_written_by_portal(self):
        """Whether users write the field in their own contact or user, or what it is made of."""
        if self.source != "field":
            return False
        partners = self.env["res.partner"]
        field = partners._fields.get(self.field_name)
        writable = {
            *partners._get_frontend_writable_fields(),
            *self.env["res.users"].SELF_WRITEABLE_FIELDS,
        }
        return not field or field.name in writable or bool(field.compute or field.related)


# === HELPERS === #


def _is_text(name, value):
    """A field has this text, whatever the case of ASCII letters: where the case of IDs matters,
    that is more than needed."""

    def condition(model, alias, query):
        field = model._field_to_sql(alias, name, query)
        return SQL('lower(%s COLLATE "C") = %s', field, ascii_lower(value))

    return Domain.custom(to_sql=condition)
