# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import contextlib
import csv
import io
import struct
import tarfile
import zipfile
from unittest.mock import patch

from odoo.tests import BaseCase
from odoo.tools import file_open

from ..import_sources import SOURCES, archive
from ..import_sources.base import BadRow, BranchRow, ProviderRow, SourceError
from ..import_sources.template import COLUMNS
from . import import_files as files


class TestImportSources(BaseCase):
    """What the readers make of files, without a database."""

    def _rows(self, source, content, *countries):
        return list(SOURCES[source].rows(content, frozenset(countries)))

    def assertRefused(self, text, source, content, *countries):
        with self.assertRaisesRegex(SourceError, text):
            self._rows(source, content, *countries)

    # === IFSC === #

    def test_ifsc(self):
        rows = self._rows("ifsc", files.ifsc())
        self.assertEqual(
            [(row.code, row.name, row.country) for row in rows if isinstance(row, ProviderRow)],
            [("TBKA", "Test Bank A", "IN"), ("TBKB", "Test Bank B", "IN"), ("TBKC", None, "IN")],
        )
        self.assertEqual(
            [(row.provider_code, row.code) for row in rows if isinstance(row, BranchRow)],
            [
                ("TBKA", "TBKA0000001"),
                ("TBKA", "TBKA0000522"),
                ("TBKA", "TBKA0CARDSX"),
                ("TBKB", "TBKB0000007"),
                ("TBKC", "TBKC0HITEC1"),
            ],
        )

    def test_ifsc_names_the_banks_that_use_codes_of_others(self):
        content = files.ifsc(sublets={"TBKA0000001": "TCOX"}, prefixes={"TBKB0000": "TCOX"})
        names = {row.code: row.name for row in self._rows("ifsc", content) if row.code[4:]}
        self.assertEqual(names["TBKA0000001"], "Test Co-operative")
        self.assertEqual(names["TBKB0000007"], "Test Co-operative")
        self.assertIsNone(names["TBKA0000522"])

    def test_ifsc_odd_entries_are_rejected_alone(self):
        rows = self._rows("ifsc", files.ifsc(codes={"TBKA": [1, None, True, 2]}))
        bad = [(row.place, row.provider_code) for row in rows if isinstance(row, BadRow)]
        self.assertEqual(bad, [("IFSC.json TBKA #2", "TBKA"), ("IFSC.json TBKA #3", "TBKA")])
        self.assertEqual(len([row for row in rows if isinstance(row, BranchRow)]), 2)

    def test_not_ifsc(self):
        self.assertRefused("not a .tgz", "ifsc", b"something else")
        self.assertRefused("not a .tgz", "ifsc", files.wheel())
        self.assertRefused("lacks IFSC.json", "ifsc", files.tgz({"package/README.md": b"x"}))
        self.assertRefused("must be a JSON object", "ifsc", files.ifsc(codes=[]))
        self.assertRefused("'TBKA' must have a list", "ifsc", files.ifsc(codes={"TBKA": "x"}))
        broken = files.ifsc(**{"package/src/banknames.json": b"{"})
        self.assertRefused("banknames.json is not JSON", "ifsc", broken)
        self.assertRefused("not a .tgz", "ifsc", files.ifsc()[:-40])

    # === SCHWIFTY === #

    def test_schwifty(self):
        """One provider for each BIC, by its most frequent name among the primary entries; codes
        of banks without a BIC of the country begin with the country."""
        rows = self._rows("schwifty", files.wheel(), "DE", "DK")
        self.assertEqual(
            [(row.code, row.name, row.country, row.bic, row.mnemonic) for row in rows],
            [
                ("TESTDEBB", "Testbank", "DE", "TESTDEBBXXX", None),
                ("GENODEF1TST", "Testkasse", "DE", "GENODEF1TST", "TK"),
                ("DE-30000000", "Bank ohne BIC", "DE", None, None),
                ("TESTDKKK", "Testbank Danmark", "DK", "TESTDKKK", None),
                ("DK-0003", "Swedish Branch", "DK", "TESTSESS", None),
            ],
        )
        self.assertTrue(all(row.fa_type == "bank" for row in rows))

    def test_schwifty_reads_the_chosen_countries(self):
        rows = self._rows("schwifty", files.wheel(), "DK")
        self.assertEqual({row.country for row in rows}, {"DK"})
        self.assertEqual(SOURCES["schwifty"].scope(frozenset(("DK",))), {"DK"})
        self.assertRefused("no banks of: IN", "schwifty", files.wheel(), "IN", "DK")

    def test_schwifty_odd_entries_are_rejected_alone(self):
        good = files.SCHWIFTY["generated_de.json"][0]
        odd = [
            "text",
            {**good, "name": 5},
            {**good, "country_code": "FR"},
            {**good, "bic": None, "bank_code": ""},
            {**good, "bic": "  ", "bank_code": None},
            {**good, "bic": False},
            {"name": "Nothing else", "country_code": "DE"},
            good,
        ]
        rows = self._rows("schwifty", files.wheel({"generated_de.json": odd}), "DE")
        self.assertEqual(
            [(type(row), row.place) for row in rows],
            [
                *((BadRow, f"generated_de.json #{number}") for number in range(1, 8)),
                (ProviderRow, "generated_de.json #8"),
            ],
        )
        self.assertEqual([row.code for row in rows[:3]], ["", "TESTDEBB", "TESTDEBB"])

    def test_schwifty_entry_without_national_code(self):
        entry = {"name": "Bank", "bic": " testdebbxxx ", "country_code": "DE"}
        (row,) = self._rows("schwifty", files.wheel({"generated_de.json": [entry]}), "DE")
        self.assertEqual((row.code, row.bic), ("TESTDEBB", "TESTDEBBXXX"))

    def test_not_schwifty(self):
        self.assertRefused("not a ZIP", "schwifty", b"something else", "DE")
        self.assertRefused("not the wheel", "schwifty", files.workbook(["a"]), "DE")
        odd = {"entries": [{}], "expand_from": ["bank_codes"], "expand_into": "bank_code"}
        for value in ({}, {"entries": 1}, 5, odd):
            content = files.wheel({"generated_de.json": value})
            self.assertRefused("does not have the form", "schwifty", content, "DE")
        self.assertRefused("not JSON", "schwifty", files.wheel({"generated_de.json": b"{"}), "DE")

    # === TEMPLATE === #

    def test_templates_are_the_same_in_both_formats(self):
        found = []
        for extension in ("csv", "xlsx"):
            path = f"g2p_spar_fa_directory/static/xls/directory.{extension}"
            with file_open(path, "rb") as file:
                found.append(self._rows("template", file.read()))
        self.assertEqual(*found)
        self.assertEqual(
            [(type(row), row.code) for row in found[0]],
            [
                (ProviderRow, "FEB"),
                (BranchRow, "FEB0000001"),
                (BranchRow, "FEB0000002"),
                (ProviderRow, "EMM"),
                (ProviderRow, "EMW"),
            ],
        )

    def test_template_rows_say_where_they_are(self):
        content = files.table(["provider_code", "provider_name"], ["A", "One"], [], ["B", "Two"])
        self.assertEqual(
            [(row.place, row.code) for row in self._rows("template", content)],
            [("row 2", "A"), ("row 4", "B")],
        )

    def test_template_takes_other_separators_and_any_order(self):
        content = "\ufeffprovider_name;provider_code\r\nOne; A \r\n".encode()
        (row,) = self._rows("template", content)
        self.assertEqual((row.code, row.name), ("A", "One"))

    def test_template_numbers_of_spreadsheets_are_codes(self):
        content = files.workbook(["provider_code", "branch_code", "zip"], ["A", 17, 400001.0])
        (row,) = self._rows("template", content)
        self.assertEqual((row.code, row.zip), ("17", "400001"))

    def test_template_stray_values_are_rejected_alone(self):
        content = files.table(
            ["provider_code", "provider_name", "branch_code", "city"],
            ["A", "One", "", "Pune"],
            ["A", "One", "A1", ""],
            ["A", "", "A1", "Pune"],
        )
        rows = self._rows("template", content)
        self.assertEqual(
            [getattr(row, "reason", None) for row in rows],
            [
                "city: belongs into a row of a branch",
                "provider_name: belongs into a row of a provider",
                None,
            ],
        )

    def test_not_the_template(self):
        self.assertRefused("names of the columns", "template", b"")
        self.assertRefused("Not known: colour", "template", b"provider_code,colour\n")
        self.assertRefused("each once", "template", b"provider_code,zip,zip\n")
        self.assertRefused("neither XLSX nor CSV", "template", b"provider_code\n\xff")
        self.assertRefused("not XLSX", "template", files.wheel())
        self.addCleanup(csv.field_size_limit, csv.field_size_limit(100))
        self.assertRefused("not CSV", "template", b"provider_code\n" + b"x" * 200)

    def test_template_columns_are_those_of_the_file_on_offer(self):
        with file_open("g2p_spar_fa_directory/static/xls/directory.csv") as file:
            self.assertEqual(set(file.readline().strip().split(",")), set(COLUMNS))


class TestHostileArchives(BaseCase):
    """Files made to harm. Each is refused within the limits, or harmless."""

    def assertRefused(self, text, source, content):
        with self.assertRaisesRegex(SourceError, text):
            list(SOURCES[source].rows(content, frozenset(("DE",))))

    def test_bombs(self):
        size = archive.UNPACKED_MAX_BYTES + 2**20
        self.assertRefused("unpacks to more than", "ifsc", files.gzip_bomb(size))
        bomb = files.wheel({"generated_de.json": bytes(size)})
        self.assertLess(len(bomb), 2**20)
        self.assertRefused("unpacks to more than", "schwifty", bomb)
        self.assertRefused("unpacks to more than", "template", bomb)

    def test_members_that_nobody_asked_for_count_as_well(self):
        """tarfile has to unpack what it skips."""
        content = files.tgz({"package/other": bytes(archive.UNPACKED_MAX_BYTES + 1)})
        self.assertRefused("unpacks to more than", "ifsc", content)

    def test_size_that_the_archive_lies_about(self):
        """The size in the directory of a ZIP file is not believed."""
        size = archive.UNPACKED_MAX_BYTES + 2**20
        bomb = files.wheel({"generated_de.json": bytes(size)})
        lie = bomb.replace(struct.pack("<I", size), struct.pack("<I", 10))
        self.assertNotEqual(lie, bomb)
        self.assertRefused("unpacks to more|not a ZIP", "schwifty", lie)

    def test_json_of_a_size_no_package_has(self):
        with patch("odoo.addons.g2p_spar_fa_directory.import_sources.base.JSON_MAX_BYTES", 20):
            self.assertRefused("is larger than", "schwifty", files.wheel())

    def test_deep_json(self):
        deep = b"[" * 200_000 + b"]" * 200_000
        self.assertRefused("not JSON", "schwifty", files.wheel({"generated_de.json": deep}))

    def test_too_many_members(self):
        members = {f"m{number}": b"" for number in range(archive.MAX_MEMBERS + 1)}
        self.assertRefused("more than 10000 members", "ifsc", files.tgz(members))
        many = files.wheel({f"m{number}": b"" for number in range(archive.MAX_MEMBERS)})
        with patch.object(archive.zipfile, "ZipFile", side_effect=AssertionError("too late")):
            self.assertRefused("more than 10000 members", "schwifty", many)

    def test_members_twice(self):
        with self.assertWarns(UserWarning):
            content = self._zip_with_twins()
        self.assertRefused("twice", "schwifty", content)

    def _zip_with_twins(self):
        class Twins(dict):
            def items(self):
                return [("generated_de.json", []), ("generated_de.json", [])]

        return files.wheel(Twins())

    def test_links_and_odd_names_are_not_followed(self):
        link = tarfile.TarInfo("package/src/IFSC.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        members = {link.name: link, "../package/src/IFSC.json": b"{}", "/etc/x": b"{}"}
        self.assertRefused("lacks IFSC.json", "ifsc", files.tgz(members))
        outside = files.wheel({"../../generated_de.json": [], "x/generated_de.json": []})
        self.assertRefused("not the wheel", "schwifty", outside)

    def test_encrypted(self):
        content = bytearray(files.wheel(compression=zipfile.ZIP_STORED))
        for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
            start = 0
            while (start := content.find(signature, start)) >= 0:
                content[start + offset] |= 1
                start += 4
        self.assertRefused("not a ZIP", "schwifty", bytes(content))

    def test_entities(self):
        content = files.workbook(["provider_code"])
        for encoding in ("utf-8", "utf-16"):
            text = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'.encode(encoding)
            self.assertRefused("DOCTYPE", "template", _replaced(content, text))

    def test_cut_and_changed_at_random_places(self):
        """Nothing but a SourceError comes of a damaged file."""
        originals = (("ifsc", files.ifsc()), ("schwifty", files.wheel()))
        originals += (("template", files.workbook(["provider_code"], ["A"])),)
        for source, original in originals:
            for position in range(0, len(original), max(1, len(original) // 150)):
                for damaged in (
                    original[:position],
                    original[:position] + b"\xff" + original[position + 1 :],
                ):
                    with (
                        self.subTest(source=source, position=position),
                        contextlib.suppress(SourceError),
                    ):
                        list(SOURCES[source].rows(damaged, frozenset(("DE",))))


def _replaced(content, sheet):
    """An XLSX file with another sheet."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, sheet if name.endswith("sheet1.xml") else old.read(name))
    return buffer.getvalue()
