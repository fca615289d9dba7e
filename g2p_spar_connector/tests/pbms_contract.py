# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What glue takes for granted of a PBMS, compared with the PBMS that is installed.

The addons of a PBMS change without us. Where the comparison fails, its message names everything
that is not as the glue expects it, so that one look tells what to adapt.
"""

import inspect

from odoo.tests import TransactionCase


class PbmsContract(TransactionCase):
    """To be extended by the glue of a PBMS.

    :cvar dict fields: of each model, the fields: type, then the comodel, or the values that a
        selection needs to have, separated by blanks; with a star, the field is a column
    :cvar dict methods: of each model, the methods: names of the parameters
    :cvar dict views: of each view, XPath expressions that find something in it
    :cvar dict records: model of each record
    """

    fields = {}
    methods = {}
    views = {}
    records = {}

    def problems(self):
        """:return: what is not as expected, one line each"""
        return [
            *self._field_problems(),
            *self._method_problems(),
            *self._view_problems(),
            *self._record_problems(),
        ]

    def check(self):
        problems = self.problems()
        self.assertFalse(problems, "\n".join(["The PBMS is not as expected:", *problems]))

    # === FIELDS === #

    def _field_problems(self):
        for model, expected in self.fields.items():
            if model not in self.env:
                yield f"{model}: there is no such model"
                continue
            for name, kind in expected.items():
                if problem := _field_problem(self.env[model]._fields.get(name), kind):
                    yield f"{model}.{name}: {problem}"

    # === METHODS === #

    def _method_problems(self):
        for model, expected in self.methods.items():
            if model not in self.env:
                yield f"{model}: there is no such model"
                continue
            for name, parameters in expected.items():
                found = _parameters(self.env.registry[model], name)
                if found is None:
                    yield f"{model}.{name}: there is no such method"
                elif found != ["self", *parameters.split()]:
                    yield f"{model}.{name}({', '.join(found)}): expected ({parameters})"

    # === VIEWS AND RECORDS === #

    def _view_problems(self):
        for xml_id, anchors in self.views.items():
            view = self.env.ref(xml_id, raise_if_not_found=False)
            if not view or view._name != "ir.ui.view":
                yield f"{xml_id}: there is no such view"
                continue
            arch = view._get_combined_arch()
            for anchor in anchors:
                if not arch.xpath(anchor):
                    yield f"{xml_id}: nothing is at {anchor}"

    def _record_problems(self):
        for xml_id, model in self.records.items():
            record = self.env.ref(xml_id, raise_if_not_found=False)
            if not record or record._name != model:
                yield f"{xml_id}: there is no such record of {model}"


def _field_problem(field, kind):
    if field is None:
        return "there is no such field"
    type_, *details = kind.rstrip("*").split()
    if field.type != type_:
        return f"is a {field.type}, expected a {type_}"
    if kind.endswith("*") and not field.column_type:
        return "is no column"
    if kind.endswith("*") and not field.store:
        return "is not stored"
    if field.relational and details != [field.comodel_name]:
        return f"refers to {field.comodel_name}, expected {details[0]}"
    if type_ == "selection" and isinstance(field.selection, list):
        missing = [value for value in details if value not in dict(field.selection)]
        return f"lacks {', '.join(missing)}" if missing else None
    return None


def _parameters(model_class, name):
    """Names of the parameters of a method as the PBMS has it, below what our addons make of it;
    None if it has none."""
    for class_ in model_class.__mro__:
        method = vars(class_).get(name)
        # What registries add to their own class wraps what comes below.
        if method and not hasattr(method, "spar_origin") and not _is_ours(method):
            return list(inspect.signature(method).parameters)
    return None


def _is_ours(method):
    return method.__module__.startswith("odoo.addons.g2p_spar_")
