# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
# Sets $python to a Python that can run Odoo 19, or says what to install. $PYTHON names one.
# The system's own comes first: apt keeps it safe, and it is built for speed, which one compiled on
# the spot seldom is (docs/performance.md).

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

makes_environments() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

python=
for candidate in ${PYTHON:-/usr/bin/python3 python3 python3.13 python3.12 python3.11}; do
    if command -v "$candidate" >/dev/null && suits "$candidate"; then
        python=${python:-$candidate}
        if makes_environments "$candidate"; then
            python=$candidate
            break
        fi
    fi
done

if [ -z "$python" ]; then
    echo "error: SPAR needs Python 3.11 to 3.13, and none is here." >&2
    echo "       Install it: sudo apt-get install python3 python3-venv" >&2
    exit 1
fi
if ! makes_environments "$python"; then
    echo "error: $python cannot make virtual environments." >&2
    echo "       Install what is missing: sudo apt-get install python3-venv" >&2
    exit 1
fi
