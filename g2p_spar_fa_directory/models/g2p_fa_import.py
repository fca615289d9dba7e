# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import base64
import csv
import io
import logging
from datetime import timedelta

from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..import_check import Lookups, RowChecker
from ..import_sources import SOURCES
from ..import_sources.base import SourceError
from ..import_stage import ACTIONS, BRANCH, PROVIDER, WORK, Defaults, DirectoryStage, Scope

_logger = logging.getLogger(__name__)

FILE_MAX_BYTES = 32 * 2**20
CHUNK_SIZE = 10_000
SAMPLE_SIZE = 20
TRIES = 3
MAX_ATTEMPTS = 3
FILE_DAYS = 90
_ENDED = ("done", "failed")
# Somebody else changed the same records; what they did counts when we compare once more.
_CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)
_INPUTS = frozenset(
    (
        "source",
        "list_name",
        "file",
        "file_name",
        "country_id",
        "country_ids",
        "archive_missing",
        "strategy_id",
        "account_rule_id",
    )
)


def _count(label):
    return fields.Integer(label, readonly=True, copy=False, aggregator=None)


class G2pFaImport(models.Model):
    """An import of providers and branches from a file: preview, then work in the background.

    Records are matched by list (``source`` of provider and branch) and code. What the file knows
    is updated; what it does not know (strategy, rule, logo) stays. What has gone from the list is
    archived, what comes back is active again. It can be repeated at any time: the same file
    again changes nothing.
    """

    _name = "g2p.fa.import"
    _description = "Directory Import"
    _order = "id desc"
    _rec_name = "file_name"

    # === WHAT TO IMPORT === #

    source = fields.Selection(
        [
            ("template", "Our template (CSV or XLSX)"),
            ("schwifty", "Banks of IBAN countries: package file of schwifty"),
            ("ifsc", "Banks and branches of India: package file of ifsc"),
        ],
        string="Kind of File",
        required=True,
        default="template",
    )
    list_name = fields.Char(
        string="List",
        compute="_compute_list_name",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="Records remember the list that they come from. Only records of the same list are "
        "archived when they are not in the file.",
    )
    file = fields.Binary(
        required=True, copy=False, help=f"Removed {FILE_DAYS} days after the import has ended."
    )
    file_name = fields.Char(copy=False)
    country_id = fields.Many2one(
        "res.country",
        default=lambda self: self.env.company.country_id,
        help="Country of rows that name none",
    )
    country_ids = fields.Many2many("res.country", string="Countries", help="Which banks to take")
    archive_missing = fields.Boolean(
        string="Archive What Has Gone",
        default=True,
        help="Archive records of this list that are not in the file. Switch it off for a file "
        "that has only a part of the list.",
    )
    strategy_id = fields.Many2one(
        "g2p.fa.strategy",
        compute="_compute_defaults",
        store=True,
        readonly=False,
        precompute=True,
        domain=[("strategy_type", "=", "FA"), ("fa_type", "=", "bank")],
        help="What new banks get where the file does not say. Others keep theirs.",
    )
    account_rule_id = fields.Many2one(
        "g2p.fa.account.rule",
        string="Account Number Rule",
        compute="_compute_defaults",
        store=True,
        readonly=False,
        precompute=True,
        domain=[("fa_type", "=", "bank")],
        help="What new banks get where the file does not say. Others keep theirs.",
    )

    # === WHAT CAME OF IT === #

    state = fields.Selection(
        [
            ("draft", "New"),
            ("checked", "Preview"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        readonly=True,
        required=True,
        default="draft",
        copy=False,
    )
    problem = fields.Text(readonly=True, copy=False)
    warning = fields.Text(readonly=True, copy=False)
    user_id = fields.Many2one("res.users", string="Started By", readonly=True, copy=False)
    started_at = fields.Datetime(readonly=True, copy=False)
    finished_at = fields.Datetime(readonly=True, copy=False)
    attempts = fields.Integer(
        readonly=True, copy=False, aggregator=None, help="Since anything has been written last"
    )
    total_count = _count("Records to Write")
    done_count = _count("Records Written")
    progress = fields.Float(compute="_compute_progress")
    provider_new = _count("New Providers")
    provider_changed = _count("Changed Providers")
    provider_returned = _count("Returned Providers")
    provider_archived = _count("Archived Providers")
    provider_unchanged = _count("Unchanged Providers")
    provider_rejected = _count("Rejected Providers")
    branch_new = _count("New Branches")
    branch_changed = _count("Changed Branches")
    branch_returned = _count("Returned Branches")
    branch_archived = _count("Archived Branches")
    branch_unchanged = _count("Unchanged Branches")
    branch_rejected = _count("Rejected Branches")
    line_ids = fields.One2many("g2p.fa.import.line", "import_id", string="Preview", readonly=True)
    rejected_file = fields.Binary(
        string="Rejected Rows",
        readonly=True,
        copy=False,
        help=f"Removed {FILE_DAYS} days after the import has ended.",
    )
    rejected_name = fields.Char(compute="_compute_rejected_name")

    # === COMPUTE METHODS === #

    @api.depends("source")
    def _compute_list_name(self):
        for record in self:
            record.list_name = record._reader().list_name if record.source else False

    @api.depends("source")
    def _compute_defaults(self):
        strategy = self.env["g2p.fa.strategy"]
        for record in self:
            reader = record.source and record._reader()
            record.strategy_id = reader and strategy.search(
                [("code", "=", reader.strategy), ("fa_type", "=", "bank")], limit=1
            )
            rule = bool(reader and reader.account_rule) and self.env.ref(
                f"g2p_spar_fa_directory.{reader.account_rule}", raise_if_not_found=False
            )
            record.account_rule_id = rule and rule.filtered("active")

    @api.depends("state", "done_count", "total_count")
    def _compute_progress(self):
        for record in self:
            done = 100 * record.done_count / record.total_count if record.total_count else 0
            record.progress = 100 if record.state == "done" else done

    @api.depends("file_name")
    def _compute_rejected_name(self):
        for record in self:
            record.rejected_name = f"rejected-{record.id}.csv"

    # === CONSTRAINT METHODS === #

    @api.constrains("source", "country_ids")
    def _check_countries(self):
        for record in self:
            if record.source == "schwifty" and not record.country_ids:
                raise ValidationError(self.env._("Choose the countries whose banks to take."))

    @api.constrains("strategy_id", "account_rule_id")
    def _check_defaults(self):
        for record in self:
            if problem := record._defaults_problem():
                raise ValidationError(problem)

    def _defaults_problem(self):
        """Say what is wrong with what new banks get, None if nothing is."""
        strategy, rule = self.strategy_id, self.account_rule_id
        if strategy and not (strategy.active and strategy.fa_type == "bank"):
            return self.env._("Strategy of new banks: must be an active one of bank accounts.")
        if rule and not (rule.active and rule.fa_type == "bank"):
            return self.env._("Rule of new banks: must be an active one of bank accounts.")
        return None

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_inputs(vals)
        if not self.env.su:
            # Else defaults, of the context or of the user's own, could set what came of it.
            outcome = self._empty_outcome()
            vals_list = [{**vals, **outcome} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        self._check_inputs(vals)
        if not self.env.su and any(record.state != "draft" for record in self):
            raise UserError(self.env._("Start over to change what is imported."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if any(record.state == "running" for record in self):
            raise UserError(self.env._("An import that runs cannot be deleted."))

    def _check_inputs(self, vals):
        if not self.env.su and vals.keys() - _INPUTS:
            raise AccessError(self.env._("Only what to import can be set, not what came of it."))

    def _empty_outcome(self):
        inputs = _INPUTS.union(models.MAGIC_COLUMNS)
        names = (n for n, field in self._fields.items() if not field.compute and n not in inputs)
        return {**dict.fromkeys(names, False), "state": "draft"}

    # === ACTION METHODS === #

    def action_check(self):
        """Read the file and show what would happen. Nothing is written to the directory."""
        self._require("draft")
        try:
            stage = self._stage()
        except SourceError as error:
            raise UserError(self.env._("%s Nothing has been changed.", error)) from error
        counts = stage.counts()
        self.sudo().write(
            {
                **self._count_values(counts, ACTIONS),
                "state": "checked",
                "problem": False,
                "warning": self._warnings(stage, counts),
                "total_count": sum(counts[kind, a] for kind in (PROVIDER, BRANCH) for a in WORK),
                "done_count": 0,
                "line_ids": self._line_commands(stage),
                "rejected_file": self._rejected_csv(stage),
            }
        )
        stage.drop(self.env.cr)
        return True

    def action_run(self):
        """Start the import in the background, or go on with one that failed."""
        self._require("checked", "failed")
        fresh = {} if self.done_count else self._count_values({}, WORK)
        self.sudo().write(
            {
                **fresh,
                "state": "running",
                "problem": False,
                "user_id": self.env.uid,
                "started_at": fields.Datetime.now(),
                "attempts": 0,
            }
        )
        self.env.ref("g2p_spar_fa_directory.cron_fa_import").sudo()._trigger()
        return True

    def action_reset(self):
        """Go back to change file or options."""
        self._require("checked", "failed")
        self.sudo().write({"state": "draft", "problem": False, "line_ids": [(5, 0, 0)]})
        return True

    def action_view_providers(self):
        """Open the providers of this list, archived ones too."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "g2p_spar_fa_directory.g2p_fa_provider_action"
        )
        action["domain"] = [("source", "=", self.list_name)]
        action["display_name"] = self.env._("Providers of “%s”", self.list_name)
        return action

    def _require(self, *states):
        self.ensure_one()
        self.check_access("write")
        self.lock_for_update()
        if self.state not in states:
            raise UserError(self.env._("This import is in another state by now. Reload the page."))

    # === BUSINESS METHODS === #

    def _reader(self):
        """Return the reader of the file.

        Extension point: an addon that adds a key to ``source`` returns its reader here.

        :rtype: odoo.addons.g2p_spar_fa_directory.import_sources.base.Source
        """
        return SOURCES[self.source]

    @api.model
    def _cron_run(self):
        """Run what has been started. An import whose process died is simply run again: what it
        has committed is unchanged then. Unless it dies time and again before it writes."""
        for record in self.search([("state", "=", "running")], order="id"):
            if record.attempts < MAX_ATTEMPTS:
                record.attempts += 1
                self.env["ir.cron"]._commit_progress()
                record._run()
            else:
                record._fail(self.env._("The process died %s times at this file.", record.attempts))

    def _run(self, tries=TRIES):
        """Import, and commit each chunk. A failure is kept for people to see."""
        try:
            return self._import()
        except _CONFLICTS:
            self._roll_back()
            if tries > 1:
                return self._run(tries - 1)
            problem = self.env._("Others keep changing the same records. Run it again later.")
        except SourceError as error:
            self._roll_back()
            problem = str(error)
        except Exception as error:
            _logger.exception("Directory import %s failed", self.id)
            self._roll_back()
            problem = str(error)
        return self._fail(problem)

    def _fail(self, problem):
        self.write({"state": "failed", "problem": problem})
        self.env["ir.cron"]._commit_progress()

    def _roll_back(self):
        self.env.cr.rollback()
        self.env.invalidate_all()
        DirectoryStage.drop(self.env.cr)

    def _import(self):
        stage = self._stage()
        counts = stage.counts()
        work = sum(counts[kind, action] for kind in (PROVIDER, BRANCH) for action in WORK)
        values = {"total_count": self.done_count + work}
        if not self.done_count:
            values |= self._count_values(counts, ("unchanged", "rejected"))
            values["rejected_file"] = self._rejected_csv(stage)
        self.write(values)
        self.env["ir.cron"]._commit_progress(remaining=work)
        for kind in (PROVIDER, BRANCH):
            self._write_chunks(stage, kind)
            stage.find_providers()
        stage.drop(self.env.cr)
        stage.tidy()
        self.write({"state": "done", "finished_at": fields.Datetime.now()})
        self.env["ir.cron"]._commit_progress(remaining=0)
        # Also what a run may have left that died before it could say so.
        self._forget_providers()

    def _write_chunks(self, stage, kind):
        """Write all work of a kind; with each chunk commit how far we are."""
        defaults = Defaults("bank", self.strategy_id.id or None, self.account_rule_id.id or None)
        for chunk in stage.chunks(kind, CHUNK_SIZE):
            done = stage.write_chunk(chunk, self.user_id.id, defaults)
            self.env.invalidate_all()
            counts = {f"{kind}_{action}": count for action, count in done.items()}
            values = {name: self[name] + count for name, count in counts.items()}
            done_count = self.done_count + sum(done.values())
            self.write({**values, "done_count": done_count, "attempts": 0})
            self.env["ir.cron"]._commit_progress(sum(done.values()))
            if kind == PROVIDER:
                self._forget_providers()

    def _forget_providers(self):
        """Drop what the workers keep in mind of providers, as create and write of them do."""
        self.env.registry.clear_cache()
        self.env.registry.signal_changes()

    @api.autovacuum
    def _gc_files(self):
        """Remove the files of imports that ended long ago; what came of them stays."""
        limit = fields.Datetime.now() - timedelta(days=FILE_DAYS)
        domain = [("state", "in", _ENDED), ("write_date", "<", limit), ("file", "!=", False)]
        self.search(domain).write({"file": False, "rejected_file": False})

    def _stage(self):
        """Read and check the file, and compare it with what is on record.

        :rtype: DirectoryStage
        :raise SourceError: the file cannot be used
        """
        self.ensure_one()
        if problem := self._defaults_problem():
            raise SourceError(problem)
        content = self._content()
        countries = frozenset(self.country_ids.mapped("code"))
        reader, checker = self._reader(), RowChecker(self._lookups(), self.country_id.id or 0)
        self.env["g2p.fa.branch"].flush_model()
        self.env["g2p.fa.provider"].flush_model()
        stage = DirectoryStage(self.env.cr, self._scope(reader.scope(countries)))
        stage.load(checker.check(reader.rows(content, countries)))
        stage.compare()
        if stage.is_empty():
            raise SourceError("There is not a single row in the file.")
        return stage

    def _content(self):
        content = base64.b64decode(self.with_context(bin_size=False).file or b"")
        if not content:
            raise SourceError("There is no file, or it has been removed. Upload it again.")
        if len(content) > FILE_MAX_BYTES:
            raise SourceError(f"The file is larger than {FILE_MAX_BYTES // 2**20} MB.")
        return content

    def _scope(self, countries):
        """Return what the file speaks for; ``countries`` as codes, None for all."""
        country_ids = None
        if countries is not None:
            country_ids = self.env["res.country"].search([("code", "in", list(countries))]).ids
        return Scope(self.list_name, country_ids, self.archive_missing)

    def _lookups(self):
        countries = self.env["res.country"].search_fetch([], ["code"])
        states = {}
        for state in self.env["res.country.state"].search_fetch([], ["code", "name", "country_id"]):
            states[state.country_id.id, state.name.lower()] = state.id
            states[state.country_id.id, state.code.lower()] = state.id
        strategies = self.env["g2p.fa.strategy"].search([("strategy_type", "=", "FA")])
        rules = self.env["g2p.fa.account.rule"].search([("active", "=", True)])
        return Lookups(
            {country.code: country.id for country in countries},
            states,
            {str(strategy.code): (strategy.id, strategy.fa_type) for strategy in strategies},
            {str(rule.code): (rule.id, rule.fa_type) for rule in rules},
        )

    # === HELPERS === #

    def _count_values(self, counts, actions):
        return {
            f"{kind}_{action}": counts.get((kind, action), 0)
            for kind in (PROVIDER, BRANCH)
            for action in actions
        }

    def _warnings(self, stage, counts):
        warnings = []
        if ambiguous := stage.ambiguous_count():
            warnings.append(
                self.env._(
                    "%s new providers have a code that another country uses as well. Addresses "
                    "with such a code are ambiguous and lead to neither.",
                    ambiguous,
                )
            )
        for kind, name in ((PROVIDER, self.env._("providers")), (BRANCH, self.env._("branches"))):
            kept = sum(counts[kind, action] for action in ("changed", "returned", "unchanged"))
            if counts[kind, "archived"] > kept:
                warnings.append(
                    self.env._(
                        "More %s of this list would be archived than kept. Is it the right file?",
                        name,
                    )
                )
        return "\n".join(warnings) or False

    def _line_commands(self, stage):
        names = ("kind", "action", "place", "provider_code", "code", "name", "reason")
        lines = [dict(zip(names, row, strict=True)) for row in stage.samples(SAMPLE_SIZE)]
        return [(5, 0, 0), *((0, 0, line) for line in lines)]

    def _rejected_csv(self, stage):
        """Return the rejected rows as a CSV file in base64, False if there are none."""
        rows = stage.rejected()
        if not rows:
            return False
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("row", "kind", "provider_code", "code", "reason"))
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
        return base64.b64encode(text.getvalue().encode("utf-8-sig"))


def _harmless(cell):
    """Keep spreadsheets from taking a cell for a formula."""
    return f"'{cell}" if cell and cell[0] in "=+-@\t\r" else cell
