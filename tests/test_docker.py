# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What of docker/ can be checked without a container engine."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys

import pytest
import yaml
from spar_setup import addons
from spar_setup.state import REPOSITORY

DOCKER = REPOSITORY / "docker"


@pytest.fixture
def made(tmp_path):
    """Variables that docker/init makes, in a copy of the folder."""
    folder = tmp_path / "docker"
    shutil.copytree(DOCKER, folder, ignore=shutil.ignore_patterns(".env"))
    for _ in range(2):
        subprocess.run([folder / "init"], check=True, capture_output=True)
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    return dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())


def compose():
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())


def test_every_variable_is_made(made):
    wanted = set(re.findall(r"\$\{(\w+)\}", (DOCKER / "compose.yaml").read_text()))
    assert wanted == set(made)
    assert all(made.values())


def test_keys_have_256_bits(made):
    for name in ("SPAR_SECRET_KEY", "SPAR_DIGEST_KEY"):
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}=", made[name])


def test_services_wait_for_each_other():
    services = compose()["services"]
    assert set(services) == {"db", "prepare", "odoo", "nginx"}
    for service in services.values():
        for other, wait in service.get("depends_on", {}).items():
            healthy = wait["condition"] == "service_healthy"
            assert healthy == ("healthcheck" in services[other])


def test_only_nginx_is_reachable_and_only_from_this_machine():
    ports = {name: service.get("ports") for name, service in compose()["services"].items()}
    assert [name for name in ports if ports[name]] == ["nginx"]
    assert ports["nginx"] == ["127.0.0.1:8069:80"]


def test_image_has_every_addon_and_file():
    text = (DOCKER / "Dockerfile").read_text()
    copies = re.findall(r"^COPY (.+)", text, re.MULTILINE)
    sources = [source for copy in copies for source in copy.split()[:-1]]
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []
    assert set(addons.manifests()) <= set(sources)
    prepared = re.findall(r"g2p_spar_\w+", (DOCKER / "prepare").read_text())
    # Odoo installs the others by itself beside another product's addons.
    chosen = {name for name, known in addons.manifests().items() if not known.get("auto_install")}
    assert chosen == set(prepared)


def test_options_are_odoos():
    code = (
        "import json, sys; from odoo.tools import config\n"
        "config._parse_config(['-c', sys.argv[1]])\n"
        "print(json.dumps(sorted(set(config._file_options) - set(config.options_index))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, DOCKER / "odoo.conf"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []


def test_reads_have_connections_of_their_own():
    code = (
        "import sys; from odoo.tools import config\n"
        "config._parse_config(['-c', sys.argv[1]])\n"
        "print(config['db_host'], config['db_replica_host'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, DOCKER / "odoo.conf"],
        env={"PATH": os.environ["PATH"], **compose()["services"]["odoo"]["environment"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["db", "db"]


@pytest.mark.parametrize("script", ["init", "prepare"])
def test_scripts_parse(script):
    subprocess.run(["sh", "-n", DOCKER / script], check=True)


def test_nginx_bounds_what_anybody_asks_of_the_api():
    text = (DOCKER / "nginx.conf").read_text()
    [api] = re.findall(r"location ~ \^/\(spar\|api\)/ \{(.+?)\n    \}", text, re.DOTALL)
    for directive in ("limit_req zone=", "limit_conn "):
        [zone] = re.findall(rf"{directive}(\w+)", api)
        assert f"zone={zone}:" in text


def test_nginx_logs_no_token_of_a_link_that_cancels():
    text = (DOCKER / "nginx.conf").read_text()
    [rules] = re.findall(r'map "\$status \$uri" \$logged_uri \{(.+?)\n\}', text, re.DOTALL)
    rules = re.findall(r'"~(\S+)"\s+"(\S+)";', rules)
    for uri, hidden in (
        ("/my/financial-address/cancel/tGz8", True),
        ("/fr/my/financial-address/cancel/tGz8/", True),
        ("//my/financial-address//cancel/tGz8", True),
        ("/my/financial-address/cancel", False),
        ("/my/financial-address/address", False),
    ):
        logged = [value for pattern, value in rules if re.search(pattern, f"200 {uri}")]
        assert bool(logged) == hidden, uri
        assert all("tGz8" not in value for value in logged)


def test_example_of_tls_keeps_the_cookie_to_https():
    text = (DOCKER / "nginx.conf").read_text()
    assert re.search(r"proxy_cookie_flags +session_id httponly secure samesite=lax;", text)
    assert "Strict-Transport-Security" in text


def test_braces_of_nginx_configuration_match():
    text = re.sub(r"#.*|'[^']*'", "", (DOCKER / "nginx.conf").read_text())
    assert text.count("{") == text.count("}")
