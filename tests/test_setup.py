# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Set-up itself: where Odoo comes from, configuration, ports, processes, summaries."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import conftest
import pytest
from spar_setup import addons, apt_source, odoo_config, odoo_source, process, server, start, test
from spar_setup.console import SetupError
from spar_setup.database import check_name
from spar_setup.postgres import psql
from spar_setup.state import REPOSITORY, State, write_json

MIRROR = "http://mirror.example.org/debian"


def write_apt(folder, **files):
    (folder / "sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.write_text(text)
    return folder


class TestAptSource:
    def test_deb822(self, tmp_path):
        etc = write_apt(
            tmp_path / "apt",
            sources_dot_list="# moved\n",
            sources_dot_list_dot_d__debian_dot_sources=(
                "Types: deb\n# a comment\nURIs: http://mirror.example.org/security\n"
                "Suites: trixie-security\nComponents: main\n\n"
                f"Types: deb deb-src\nURIs: {MIRROR}\nSuites: trixie\n trixie-updates\n"
                "Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
            ),
        )
        assert apt_source.debian_mirror(etc) == MIRROR

    def test_disabled_stanza_and_source_only(self, tmp_path):
        etc = write_apt(
            tmp_path / "apt",
            sources_dot_list_dot_d__a_dot_sources=(
                "Enabled: no\nTypes: deb\nURIs: http://off.example.org\nSuites: bookworm\n\n"
                "Types: deb-src\nURIs: http://src.example.org\nSuites: bookworm\n\n"
                f"Types: deb\nURIs: {MIRROR}\nSuites: bookworm\n"
            ),
        )
        assert apt_source.debian_mirror(etc) == MIRROR

    @pytest.mark.parametrize("options", ["", "[arch=amd64 signed-by=/k.gpg] "])
    def test_one_line(self, tmp_path, options):
        etc = write_apt(
            tmp_path / "apt",
            sources_dot_list=(
                "# deb http://off.example.org bookworm main\n"
                "deb http://vendor.example.org/tools stable-vendor main\n"
                "deb-src http://src.example.org bookworm main\n"
                f"deb {options}{MIRROR} bookworm main contrib\n"
            ),
        )
        assert apt_source.debian_mirror(etc) == MIRROR

    def test_elsewhere(self, tmp_path):
        etc = write_apt(
            tmp_path / "apt", sources_dot_list="deb http://ubuntu.example.org/ubuntu noble main\n"
        )
        with pytest.raises(SetupError) as caught:
            apt_source.debian_mirror(etc)
        assert "--odoo" in caught.value.hint

    def test_backup_files_are_not_read(self, tmp_path):
        etc = write_apt(
            tmp_path / "apt",
            sources_dot_list_dot_d__old_dot_list_dot_save=f"deb {MIRROR} bookworm main\n",
        )
        with pytest.raises(SetupError):
            apt_source.debian_mirror(etc)


class TestOdooSource:
    def tree(self, folder, version):
        package = folder / "odoo"
        package.mkdir(parents=True)
        (package / "release.py").write_text(f"version_info = ({version}, FINAL, 0, '')\n")
        return folder

    def test_directory(self, tmp_path):
        tree = self.tree(tmp_path / "own", "19, 0, 7")
        state = State(tmp_path / "state").make()
        record = odoo_source.ensure_odoo(state, str(tree))
        assert (record["version"], record["path"]) == ("19.0.7", str(tree))
        assert odoo_source.ensure_odoo(state) == record

    def test_archive(self, tmp_path):
        self.tree(tmp_path / "odoo-19.0.post1", "19, 0, 0")
        archive = tmp_path / "odoo.tar.gz"
        subprocess.run(["tar", "-czf", archive, "-C", tmp_path, "odoo-19.0.post1"], check=True)
        record = odoo_source.ensure_odoo(State(tmp_path / "state").make(), str(archive))
        assert record["path"].endswith("odoo-19.0.post1")

    def test_other_version(self, tmp_path):
        tree = self.tree(tmp_path / "own", "18, 0, 0")
        with pytest.raises(SetupError, match="18.0.0"):
            odoo_source.ensure_odoo(State(tmp_path / "state").make(), str(tree))

    @pytest.mark.parametrize("content", [None, b"no archive"])
    def test_unusable(self, tmp_path, content):
        path = tmp_path / "odoo.tar.gz"
        if content:
            path.write_bytes(content)
        with pytest.raises(SetupError, match="--odoo"):
            odoo_source.ensure_odoo(State(tmp_path / "state").make(), str(path))

    def test_installed_tree_is_whole(self):
        """Nothing that web pages load is a dangling link."""
        record = json.loads((State().root / "odoo.json").read_text())
        web = odoo_source.Path(record["path"]) / "odoo/addons/web/static"
        assert (web / "lib/jquery/jquery.js").read_text()
        assert not [path for path in web.rglob("*.js") if not path.exists()]


class FakeServer:
    variables = {"PGHOST": "/run/x", "PGPORT": "54329", "PGUSER": "odoo", "PGAPPNAME": "ignored"}


class TestConfiguration:
    def render(self, folder, **options):
        folder.mkdir(exist_ok=True)
        path = odoo_config.write_configuration(folder, "spar", FakeServer, **options)
        return path, path.read_text()

    def test_options(self, tmp_path):
        path, text = self.render(tmp_path, http_port=8069, workers=2)
        lines = text.splitlines()
        for line in (
            "db_name = spar", "list_db = False", "proxy_mode = False", "db_host = /run/x",
            "http_interface = 127.0.0.1", "http_port = 8069", "workers = 2",
            f"spool_dir = {tmp_path}/spool", "db_replica_host = /run/x", "db_replica_port = 54329",
        ):  # fmt: skip
            assert line in lines
        assert "dbfilter" not in text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_keys_are_kept_and_differ(self, tmp_path):
        first, second = (self.render(tmp_path)[1] for _ in range(2))
        assert first == second
        other = self.render(tmp_path / "other")[1]
        keys = [line for text in (first, other) for line in text.splitlines() if "_key = " in line]
        assert len(set(keys)) == 4
        assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


class TestNames:
    @pytest.mark.parametrize("name", ["spar", "spar-2", "A_1"])
    def test_accepted(self, name):
        check_name(name)

    @pytest.mark.parametrize(
        "name", ["", "postgres", "template1", "-d", "a b", "a'b", "../x", "ä", "a" * 64, "a\n"]
    )
    def test_refused(self, name):
        with pytest.raises(SetupError, match="--database"):
            check_name(name)


class TestPort:
    def test_busy(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            with pytest.raises(SetupError, match="cannot be used"):
                server.check_port(holder.getsockname()[1])

    def test_free(self):
        """None that an outgoing connection may be given before a server listens on it."""
        lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        found = {server.free_port() for _number in range(20)}
        assert max(found) < lowest
        with socket.socket() as holder:
            holder.bind((server.HOST, found.pop()))

    @pytest.mark.parametrize("port", [0, -1, 65536])
    def test_out_of_range(self, port):
        with pytest.raises(SetupError, match="no port"):
            server.check_port(port)

    def test_start_tells_before_it_works(self, tmp_path):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            done = subprocess.run(
                [REPOSITORY / "setup/start", "--port", str(port), "--json"],
                env={**os.environ, "SPAR_STATE": str(tmp_path / "state")},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        assert (done.returncode, done.stdout) == (1, "")
        assert f"Port {port}" in done.stderr and "--port" in done.stderr
        assert not (tmp_path / "state").exists()


class TestProcess:
    def sleeper(self):
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        return subprocess.Popen(command, start_new_session=True)

    def test_stop_ends_what_was_recorded(self, tmp_path):
        child = self.sleeper()
        record = {"process": process.identity(child.pid), "port": 1, "url": "http://127.0.0.1:1"}
        (tmp_path / "server.json").write_text(json.dumps(record))
        assert server.stop_recorded(tmp_path)
        assert not process.is_alive(record["process"])
        assert not server.stop_recorded(tmp_path)

    def test_stop_ends_what_a_killed_server_left(self, tmp_path):
        """The leader is gone; a worker of its group lives on."""
        code = "import subprocess, sys; subprocess.Popen([sys.executable, *sys.argv[1:]])"
        sleep = ["-c", "import time; time.sleep(60)", str(tmp_path / "odoo.conf")]
        leader = subprocess.Popen([sys.executable, "-c", code, *sleep], start_new_session=True)
        recorded = process.identity(leader.pid)
        leader.wait()
        (tmp_path / "server.json").write_text(json.dumps({"process": recorded, "port": 1}))
        assert process.group(leader.pid, "odoo.conf")
        assert not process.group(leader.pid, "another.conf")
        assert not server.stop_recorded(tmp_path)
        assert not process.group(leader.pid, "odoo.conf")

    def test_children(self):
        child = self.sleeper()
        assert child.pid in process.children(os.getpid())
        child.kill()
        child.wait()
        assert process.children(child.pid) == []

    def test_stop_leaves_a_foreign_process_alone(self, tmp_path):
        """An id that was given to another process since is not ours to end."""
        child = self.sleeper()
        try:
            recorded = process.identity(child.pid)
            record = {"process": {**recorded, "started": recorded["started"] - 1}, "port": 1}
            (tmp_path / "server.json").write_text(json.dumps(record))
            assert not server.stop_recorded(tmp_path)
            time.sleep(0.2)
            assert child.poll() is None
        finally:
            child.kill()
            child.wait()


class TestLeftBehind:
    """A database without its record: an earlier checkout in the same place was removed."""

    @pytest.fixture
    def left(self, tmp_path):
        installation, postgres = conftest.installed()
        name = f"spar_left_{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}"
        made = installation.disposable_database(tmp_path / name, name, postgres)
        # on a server that is not ours they are not
        assert made.disposable == postgres.is_ours
        made.disposable = True
        made.drop()
        psql(postgres, "postgres", f"CREATE DATABASE {name}")
        psql(postgres, name, "CREATE TABLE theirs ()")
        yield made
        made.drop()

    def made_anew(self, database, monkeypatch):
        """Whether `ensure` drops it and goes on to create one."""
        created = []
        monkeypatch.setattr(
            database, "_create", lambda *_arguments: created.append(database.exists())
        )
        database.ensure(demo=True)
        return created == [False]

    def test_of_tests_and_benchmarks(self, left, monkeypatch):
        assert self.made_anew(left, monkeypatch)

    def test_of_people(self, left):
        """What it holds is not ours to drop."""
        left.disposable = False
        with pytest.raises(SetupError, match="this checkout did not make it"):
            left.ensure(demo=True)
        assert left.exists()

    def test_interrupted_creation(self, left, monkeypatch):
        left.disposable = False
        left.folder.mkdir()
        write_json(left.folder / "database.json", {"complete": False})
        assert self.made_anew(left, monkeypatch)


class TestAddons:
    def test_checksum_follows_content(self, tmp_path, monkeypatch):
        monkeypatch.setattr(addons, "REPOSITORY", tmp_path)
        addon = tmp_path / "g2p_spar_x"
        (addon / "tests").mkdir(parents=True)
        (addon / "__manifest__.py").write_text("{'depends': []}")
        before = addons.checksum("g2p_spar_x")
        (addon / "tests" / "test_x.py").write_text("pass")
        assert addons.checksum("g2p_spar_x") == before
        (addon / "data.xml").write_text("<odoo/>")
        assert addons.checksum("g2p_spar_x") != before

    def test_what_is_installed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(addons, "REPOSITORY", tmp_path)
        (tmp_path / "odoo/addons/mail").mkdir(parents=True)
        for name, manifest in {
            "a": {"depends": ["mail"]},
            "demo": {"depends": ["g2p_spar_a"]},
            "glue": {"depends": ["mail"], "auto_install": True},
            "foreign": {"depends": ["of_somebody_else"]},
            "off": {"depends": [], "installable": False},
        }.items():
            (tmp_path / f"g2p_spar_{name}").mkdir()
            (tmp_path / f"g2p_spar_{name}" / "__manifest__.py").write_text(repr(manifest))
        assert addons.to_install(tmp_path) == ["g2p_spar_a", "g2p_spar_demo"]
        assert addons.to_install(tmp_path, demo=False) == ["g2p_spar_a"]
        assert "g2p_spar_glue" in addons.to_install(tmp_path, glue=True)

    def test_what_is_installed_beside_a_pbms(self, tmp_path, monkeypatch):
        monkeypatch.setattr(addons, "REPOSITORY", tmp_path)
        monkeypatch.setattr(addons, "PBMS", {"p": "p_top", "q": "q_top"})
        monkeypatch.setattr(addons, "PBMS_DEMO", {"p": "g2p_spar_demo_p"})
        for folder, name, depends in (
            (".", "g2p_spar_a", []),
            (".", "g2p_spar_glue", ["g2p_spar_a", "p_base"]),
            (".", "g2p_spar_glue_of_glue", ["g2p_spar_glue", "p_top"]),
            (".", "g2p_spar_other", ["g2p_spar_a", "q_top"]),
            (addons.STAND_INS, "p_base", []),
            (addons.STAND_INS, "p_top", ["p_base"]),
            (addons.STAND_INS, "q_top", []),
            (addons.STAND_INS, "g2p_spar_demo_p", ["g2p_spar_glue"]),
        ):
            (tmp_path / folder / name).mkdir(parents=True)
            manifest = {"depends": depends, "auto_install": len(depends) > 1}
            (tmp_path / folder / name / "__manifest__.py").write_text(repr(manifest))
        glue = ["g2p_spar_glue", "g2p_spar_glue_of_glue", "p_base", "p_top"]
        assert addons.beside("p") == sorted([*glue, "g2p_spar_demo_p"])
        assert addons.beside("p", demo=False) == glue
        assert addons.to_install(tmp_path, pbms="q") == ["g2p_spar_a", "g2p_spar_other", "q_top"]
        # Odoo has neither PBMS: only with stand-ins is there something to be glued to.
        assert addons.to_install(tmp_path, glue=True) == ["g2p_spar_a"]
        named = ("g2p_spar_a", "g2p_spar_glue_of_glue", "q_top", "g2p_spar_demo_p", "unknown")
        assert [addons.pbms_of(name) for name in named] == [None, "p", "q", "p", None]
        assert addons.path(None) == str(tmp_path)
        assert addons.path("p") == f"{tmp_path},{tmp_path / addons.STAND_INS}"
        before = addons.checksum("p_base")
        (tmp_path / addons.STAND_INS / "p_base" / "data.xml").write_text("<odoo/>")
        assert addons.checksum("p_base") != before

    def test_stand_ins_are_no_addons_of_the_product(self):
        assert not addons.manifests().keys() & addons.stand_ins().keys()
        for pbms in addons.PBMS:
            assert addons.PBMS[pbms] in addons.stand_ins()
        for name in addons.stand_ins():
            assert addons.pbms_of(name)


class TestOptions:
    def test_defaults(self):
        options = start.parse([])
        assert (options.port, options.database, options.no_demo) == (None, "spar", False)
        assert not options.programmes

    @pytest.mark.parametrize("agent", [None, {"login": "demo-agent", "password": "told"}])
    def test_who_may_log_in(self, agent):
        """The demonstration's agent is told where there is one."""
        facts = {
            "url": "http://127.0.0.1:1",
            "admin": {"login": "admin", "password": "secret"},
            "agent": agent,
            "database": "spar",
            "log": "odoo.log",
            "participants": [],
        }
        text = start._for_people(facts)
        assert "admin   password   secret" in text
        assert ("demo-agent   password   told" in text) == bool(agent)

    def test_workers(self):
        with pytest.raises(SetupError, match="--workers"):
            start.parse(["--workers", "0"])


class TestSelection:
    @pytest.mark.parametrize(
        ("path", "where"),
        [
            ("g2p_spar_mapper/tests", None),
            ("g2p_spar_connector_g2p/tests", "g2p"),
            ("g2p_spar_connector_spp/tests/test_contract.py", "spp"),
            ("tests/stand_ins/g2p_programs/tests", "g2p"),
            ("tests/stand_ins/spp_programs", "spp"),
            ("tests", "beside"),
            ("tests/test_setup.py", "beside"),
        ],
    )
    def test_where(self, path, where):
        assert test._where(REPOSITORY / path) == where

    def test_everything(self):
        """Each folder of tests runs once, where its addon is installed."""
        runs = test.Runs(None, None, None, test.parse([]))
        selected = runs._selected()
        assert set(selected) == {None, "g2p", "spp", "beside"}
        assert selected["beside"] == [REPOSITORY / "tests"]
        assert REPOSITORY / "g2p_spar_connector_g2p_connect/tests" in selected["g2p"]
        assert REPOSITORY / "tests/stand_ins/spp_programs/tests" in selected["spp"]
        paths = [path for group in selected.values() for path in group]
        assert len(paths) == len(set(paths))

    def test_side_by_side(self):
        """Without options of the caller's, to whom the order or the output matters."""
        arguments = test.Runs(None, None, None, test.parse(["tests"]))._side_by_side(3, "loadfile")
        assert arguments == ["-n", "3", "--dist", "loadfile"]
        assert not test.Runs(None, None, None, test.parse(["tests", "-x"]))._side_by_side(3, "x")

    def test_the_longest_files_are_there(self):
        for name in conftest.LONGEST:
            assert (REPOSITORY / "tests" / f"{name}.py").exists()

    def test_named_addons(self):
        options = test.parse(["g2p_spar_mapper", "spp_programs", "-x"])
        assert options.addons == [
            REPOSITORY / "g2p_spar_mapper/tests",
            REPOSITORY / "tests/stand_ins/spp_programs/tests",
        ]
        assert options.pytest == ["-x"]


REPORT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="x"/></testcase>
<testcase classname="a" name="broken"><error message="x"/></testcase>
<testcase classname="a" name="skipped"><skipped message="Chrome executable not found"/></testcase>
<testcase classname="a" name="allowed"><skipped
message="The JSON Schemas of the standard are not at spec/"/></testcase>
</testsuite></testsuites>"""


class TestSummary:
    @pytest.mark.parametrize(("ci", "failed", "skipped"), [("", 3, 1), ("true", 4, 0)])
    def test_counts(self, tmp_path, monkeypatch, ci, failed, skipped):
        monkeypatch.setenv("CI", ci)
        (tmp_path / "report.xml").write_text(REPORT)
        outcome = test._outcome(1, tmp_path / "report.xml")
        assert (outcome.passed, len(outcome.problems), outcome.skipped) == (1, failed, skipped)

    def test_a_run_that_broke_off(self, tmp_path):
        assert test._outcome(3, tmp_path / "none.xml").problems

    @pytest.mark.parametrize(("passed", "status"), [(9, 1), (10, 0), (11, 0)])
    def test_floor(self, tmp_path, monkeypatch, capsys, passed, status):
        floor = REPOSITORY / "setup" / "test-floor"
        monkeypatch.setattr(test, "FLOOR", floor)
        monkeypatch.setattr(type(floor), "read_text", lambda *args, **kwargs: "10")
        assert test._conclude(test.Outcome(passed=passed), partial=False) == status
        last = capsys.readouterr().out.splitlines()[-1]
        assert last == f"{passed} passed, {status} failed"
