# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the files below an addon's `i18n/` must hold: for its tests, and for `setup/translations`,
which writes them."""

import io
import re
from pathlib import Path

import polib

from odoo.modules import get_module_path
from odoo.tools.translate import trans_export

LANGUAGES = ("fr", "tl")
WIDTH = 98
# Places of terms that are not the addon's own: of its tests, and of a model of Odoo's that it
# extends, as Odoo's website calls it in its form builder.
_FOREIGN = re.compile(r"/tests/|^model:ir\.model,website_form_label$")
# What stands for a value: %s, %(name)s, {{0}}; and tags, which a translation keeps.
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]|\{\{\d+\}\}|</?\w+")


def folder(module):
    return Path(get_module_path(module)) / "i18n"


def template(env, module):
    """All terms of an installed addon, as Odoo finds them, without those that are not its own.

    :rtype: polib.POFile
    """
    buffer = io.BytesIO()
    trans_export(None, [module], buffer, "po", env)
    exported = polib.pofile(buffer.getvalue().decode())
    file = polib.POFile(wrapwidth=WIDTH)
    file.header = f"Part of SPAR on Odoo. Terms of {module}; written by setup/translations."
    file.metadata = {
        "Project-Id-Version": f"SPAR on Odoo: {module}",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }
    for entry in exported:
        places = entry.occurrences
        entry.occurrences = [place for place in places if not _FOREIGN.search(place[0])]
        if entry.occurrences:
            file.append(entry)
    return file


def merge(template_file, path, language):
    """The translations in a file, with the terms of a template.

    :rtype: polib.POFile
    """
    file = polib.POFile(wrapwidth=WIDTH)
    if path.exists():
        known = {entry.msgid: entry.msgstr for entry in polib.pofile(str(path))}
    else:
        known = {}
    file.header = template_file.header
    file.metadata = {**template_file.metadata, "Language": language}
    for entry in template_file:
        file.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgstr=known.get(entry.msgid, ""),
                comment=entry.comment,
                occurrences=entry.occurrences,
            )
        )
    return file


def write(env, modules):
    """Bring the files of installed addons up to date; what was translated stays so.

    :return: names of the files that were written
    """
    written = []
    for module in modules:
        folder(module).mkdir(exist_ok=True)
        terms = template(env, module)
        files = {folder(module) / f"{module}.pot": terms}
        for language in LANGUAGES:
            path = folder(module) / f"{language}.po"
            files[path] = merge(terms, path, language)
        for path, file in files.items():
            if not path.exists() or path.read_text(encoding="utf-8") != f"{file}\n":
                path.write_text(f"{file}\n", encoding="utf-8")
                written.append(str(path))
    return written


class TranslationsMixin:
    """Tests of the translations of one addon."""

    module = None
    # beginnings of files whose messages nobody reads but those who administer it
    back_office = ()
    # terms that are the same in another language, by its code
    same = {}

    def test_the_template_has_what_people_read(self):
        [path] = folder(self.module).glob("*.pot")
        found = self._read_by_people(polib.pofile(str(path)))
        expected = self._read_by_people(template(self.env, self.module))
        self.assertEqual(set(found), set(expected), "Run setup/translations, and translate")

    def test_people_read_everything_in_their_language(self):
        terms = self._read_by_people(template(self.env, self.module))
        self.assertGreater(len(terms), 3)
        for language in LANGUAGES:
            file = self._translated(language)
            known = {entry.msgid: entry.msgstr for entry in file}
            missing = [term for term in terms if not known.get(term)]
            self.assertFalse(missing, f"{language}: not translated")
            same = {term for term in terms if known[term] == term}
            self.assertEqual(same, self.same.get(language, set()), f"{language}: as in English")

    def test_placeholders_stay(self):
        for language in LANGUAGES:
            for entry in self._translated(language):
                if not entry.msgstr:
                    continue
                with self.subTest(language, term=entry.msgid):
                    expected = sorted(_PLACEHOLDER.findall(entry.msgid))
                    self.assertEqual(sorted(_PLACEHOLDER.findall(entry.msgstr)), expected)
                    ends = (entry.msgid[-1] in ".:?", entry.msgstr[-1] in ".:?")
                    self.assertEqual(*ends, "the end of a sentence")

    def _translated(self, language):
        path = folder(self.module) / f"{language}.po"
        file = polib.pofile(str(path))
        self.assertFalse(file.obsolete_entries())
        self.assertEqual(file.metadata["Language"], language)
        return file

    def _read_by_people(self, file):
        """Terms of pages, and of code but that of the back office."""
        return [
            entry.msgid
            for entry in file
            if any(self._is_read_by_people(place) for place, _line in entry.occurrences)
        ]

    def _is_read_by_people(self, place):
        kind, _, rest = place.partition(":")
        if kind == "code":
            path = rest.partition(f"addons/{self.module}/")[2]
            return path.endswith(".py") and not path.startswith(tuple(self.back_office))
        xmlid = rest.partition(":")[2]
        if not rest.startswith("ir.ui.view,arch_db"):
            return False
        view = self.env.ref(xmlid, raise_if_not_found=False)
        return bool(view) and view.type == "qweb"
