# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Small files in the layout of the real packages, made for tests."""

import csv
import gzip
import io
import json
import tarfile
import zipfile

import openpyxl

IFSC_CODES = {"TBKA": [1, 522, "CARDSX"], "TBKB": [7], "TBKC": ["HITEC1"]}
IFSC_NAMES = {"TBKA": "Test Bank A", "TBKB": "Test Bank B", "TCOX": "Test Co-operative"}
SCHWIFTY = {
    "generated_de.json": [
        {
            "bank_code": "10000001",
            "name": "Testbank Berlin",
            "short_name": "Testbank",
            "bic": "TESTDEBBXXX",
            "primary": False,
            "country_code": "DE",
        },
        {
            "bank_code": "10000002",
            "name": "Testbank",
            "short_name": "Testbank",
            "bic": "TESTDEBBXXX",
            "primary": True,
            "country_code": "DE",
        },
        {
            "bank_code": "20000000",
            "name": "Testkasse",
            "short_name": "TK",
            "bic": "GENODEF1TST",
            "primary": True,
            "country_code": "DE",
        },
        {
            "bank_code": "30000000",
            "name": "Bank ohne BIC",
            "short_name": "Bank ohne BIC",
            "bic": "",
            "primary": True,
            "country_code": "DE",
        },
    ],
    "manual_dk.v2.json": {
        "entries": [
            {
                "name": "Testbank Danmark",
                "short_name": "Testbank Danmark",
                "bic": "TESTDKKK",
                "country_code": "DK",
                "bank_codes": ["0001", "0002"],
            },
            {
                "name": "Swedish Branch",
                "short_name": "Swedish Branch",
                "bic": "TESTSESS",
                "country_code": "DK",
                "bank_codes": ["0003"],
            },
        ],
        "expand_from": "bank_codes",
        "expand_into": "bank_code",
    },
}


def tgz(members):
    """A .tgz of members by name; a value is bytes or a ready TarInfo."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def ifsc(codes=None, names=None, sublets=None, prefixes=None, **others):
    """The file of the npm package ifsc."""
    members = {
        "package/package.json": {"name": "ifsc"},
        "package/src/IFSC.json": IFSC_CODES if codes is None else codes,
        "package/src/banknames.json": IFSC_NAMES if names is None else names,
        "package/src/sublet.json": sublets or {},
        "package/src/custom-sublets.json": prefixes or {},
    }
    return tgz({name: json.dumps(value).encode() for name, value in members.items()} | others)


def wheel(files=None, compression=zipfile.ZIP_DEFLATED):
    """The wheel of schwifty; ``files`` by name in its bank registry."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("schwifty/__init__.py", "")
        for name, value in (SCHWIFTY if files is None else files).items():
            content = value if isinstance(value, bytes) else json.dumps(value)
            archive.writestr(f"schwifty/bank_registry/{name}", content)
    return buffer.getvalue()


def table(*rows):
    """A CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def workbook(*rows):
    """An XLSX file."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def gzip_bomb(unpacked_bytes):
    """A .tgz whose one member unpacks to so many zeros."""
    info = tarfile.TarInfo("package/src/IFSC.json")
    info.size = unpacked_bytes
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9) as stream:
        stream.write(info.tobuf())
        for _megabyte in range(unpacked_bytes // 2**20):
            stream.write(bytes(2**20))
    return buffer.getvalue()
