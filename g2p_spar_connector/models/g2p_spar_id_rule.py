# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from odoo.addons.g2p_spar_fa_directory.ids import id_problem
from odoo.addons.g2p_spar_fa_directory.pattern import PatternError

# The source that addons beside a registry add.
DOCUMENT = "id_document"
# Names of fields that keep what a sign-in provider calls a person: the subject of OpenID Connect,
# eSignet's partner-specific user token (PSUT), a pairwise pseudonymous identifier (PPID).
_SUBJECT_FIELD = re.compile(r"(?:^|_)(?:sub|subject|psut|ppid|pairwise|oidc|oauth)(?:_|$)")


class G2pSparIdRule(models.Model):
    """Which reference of a contact feeds SPAR, and how the ID is made of it.

    Rules are tried in their order; the first that gives a contact an ID decides. A source of
    references is an addon that extends the selection ``source`` and the hook ``_raw_values``; one
    of ID documents adds ``id_document`` to the selection and extends ``_documents`` only.
    """

    _name = "g2p.spar.id.rule"
    _inherit = "g2p.spar.kept"
    _description = "SPAR ID Rule"
    _order = "sequence, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        default=10, help="The first rule that gives a contact an ID is the one that counts."
    )
    company_id = fields.Many2one(
        "res.company",
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
        help="Empty: for contacts of all companies.",
    )
    source = fields.Selection(
        [("field", "Field of the Contact")], required=True, default="field", string="Reference"
    )
    field_name = fields.Selection(
        "_selection_field_name",
        string="Field",
        help="Where contacts have the reference, such as the internal reference or the tax ID.",
    )
    strategy_id = fields.Many2one(
        "g2p.fa.strategy",
        string="Form of the ID",
        ondelete="restrict",
        domain=[("strategy_type", "=", "ID")],
        help="How the ID is made of the reference, such as token:{sub}@nationalId. Empty: the "
        "reference is the ID.",
    )
    pairwise_warning = fields.Text(compute="_compute_pairwise_warning")

    # === COMPUTE METHODS === #

    @api.model
    def _selection_field_name(self):
        names = [
            (field.name, f"{field._description_string(self.env)} ({field.name})")
            for field in self.env["res.partner"]._fields.values()
            if _may_be_reference(field)
        ]
        return sorted(names, key=lambda name: name[1])

    @api.depends("source", "field_name", "strategy_id")
    def _compute_pairwise_warning(self):
        for rule in self:
            rule.pairwise_warning = rule._pairwise_warning()

    # === CONSTRAINT METHODS === #

    @api.constrains("source", "field_name")
    def _check_field_name(self):
        for rule in self:
            if rule.source == "field" and not rule.field_name:
                raise ValidationError(self.env._("ID rule “%s”: choose the field.", rule.name))
            # Odoo does not check the values of a selection that is a method
            if rule.field_name and not rule._reference_field():
                raise ValidationError(
                    self.env._(
                        "ID rule “%(rule)s”: contacts have no such text or number for everybody to "
                        "read: %(field)s.",
                        rule=rule.name,
                        field=rule.field_name,
                    )
                )

    @api.constrains("strategy_id")
    def _check_strategy(self):
        for rule in self:
            if rule.strategy_id and rule.strategy_id.strategy_type != "ID":
                raise ValidationError(
                    self.env._(
                        "ID rule “%(rule)s” needs a strategy of IDs, unlike “%(strategy)s”.",
                        rule=rule.name,
                        strategy=rule.strategy_id.name,
                    )
                )

    # === ACTION METHODS === #

    def action_try(self):
        """Try the rule on a contact."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Try this Rule"),
            "res_model": "g2p.spar.id.rule.try",
            "view_mode": "form",
            "target": "new",
            "context": {"default_rule_id": self.id},
        }

    # === BUSINESS METHODS === #

    @api.private
    def make_ids(self, partners):
        """The IDs that this rule gives to contacts, with a number of statements that does not
        depend on how many they are. Who may know them is checked by the caller.

        :param partners: ``res.partner``
        :return: by id of the partner, the ID; and why one whose reference cannot be one has none
        :rtype: tuple[dict[int, str], dict[int, str]]
        """
        self.ensure_one()
        ids, problems = {}, {}
        for partner_id, value in self._raw_values(partners).items():
            try:
                ids[partner_id] = self._make_id(value)
            except PatternError as error:
                problems[partner_id] = str(error)
        void = self._void_values(partners.browse(set(partners.ids) - ids.keys() - problems.keys()))
        problems |= dict.fromkeys(void, self.env._("it is invalid or has expired"))
        return ids, problems

    @api.private
    def void_ids(self, partners):
        """The IDs of contacts whose reference has lost its validity: under this rule they have
        none, and no other rule stands in for it.

        :return: by id of the partner, the ID that it was; False where none can be made of it
        :rtype: dict[int, str | Literal[False]]
        """
        self.ensure_one()
        ids = {}
        for partner_id, value in self._void_values(partners).items():
            try:
                ids[partner_id] = self._make_id(value)
            except PatternError:
                ids[partner_id] = False
        return ids

    def _reference_field(self):
        field = self.env["res.partner"]._fields.get(self.field_name)
        return field if field and _may_be_reference(field) else None

    def _make_id(self, value):
        """:raise PatternError: why there is none; it never repeats the value"""
        if self.strategy_id:
            return self.strategy_id.construct({"sub": value})
        if problem := id_problem(value):
            raise PatternError(f"id: {problem}")
        return value

    # === HOOKS === #

    def _raw_values(self, partners):
        """The reference of each contact that has one under this rule, in a number of statements
        that does not depend on how many they are. To be extended by a source:

            if self.source != "mine":
                return super()._raw_values(partners)

        :rtype: dict[int, str]
        """
        if self.source == DOCUMENT:
            return {
                document.partner_id.id: document.value
                for document in self._documents(_of(partners))
                if self._is_valid(document)
            }
        field = self.source == "field" and self._reference_field()
        if not field:  # it went with its addon
            return {}
        partners = partners.with_company(self.company_id or self.env.company)
        partners.fetch([field.name])
        values = {partner.id: partner[field.name] for partner in partners}
        return {id_: str(value) for id_, value in values.items() if value}

    def _void_values(self, partners):
        """The references that are not valid any more, such as the number of an expired document, of
        contacts for whom ``_raw_values`` has no other. To be extended like it.

        :rtype: dict[int, str]
        """
        if self.source != DOCUMENT:
            return {}
        documents = [document for document in self._documents(_of(partners)) if document.value]
        valid = {document.partner_id for document in documents if self._is_valid(document)}
        return {
            document.partner_id.id: document.value
            for document in documents
            if document.partner_id not in valid
        }

    def _documents(self, domain):
        """The ID documents within this domain that are of this rule's type, found with one
        statement. To be extended by a registry whose documents have ``partner_id``, ``value``,
        ``status`` and ``expiry_date``:

            if not self.mine_type_id:
                return super()._documents(domain)

        :param Domain domain: on these four fields
        """
        return ()

    def _is_valid(self, document):
        today = fields.Date.context_today(self)
        has_expired = document.expiry_date and document.expiry_date < today
        return document.value and document.status != "invalid" and not has_expired

    def _pairwise_warning(self):
        """Why IDs of this rule may not match those of other systems, False if nothing is known
        of it. To be extended by who knows more of a source or of sign-in providers."""
        self.ensure_one()
        if self.source != "field" or not _SUBJECT_FIELD.search(self.field_name or ""):
            return False
        return self.env._(
            "This field seems to hold what a sign-in provider calls a person (sub). Many "
            "providers, eSignet among them, tell each relying party another one. IDs made of it "
            "then match neither those of other systems nor those of another sign-in client: use "
            "it only if all of them get the same."
        )


# === HELPERS === #


def _of(partners):
    return Domain("partner_id", "in", partners.ids)


def _may_be_reference(field):
    """Whether a field of contacts is a text or number that whoever reads the contact reads."""
    return field.type in ("char", "integer") and field.store and not field.groups
