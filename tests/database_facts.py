# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a database of the product is made of, and what is in its tables."""

from collections import Counter

OURS = r"LIKE 'g2p\_%'"
# Facts that must not depend on whether addons were installed or updated.
STRUCTURE = {
    "columns": f"""
        SELECT table_name, column_name, udt_name, is_nullable, column_default
        FROM information_schema.columns WHERE table_name {OURS}""",
    "indexes": f"SELECT tablename, indexdef FROM pg_indexes WHERE tablename {OURS}",
    "constraints": f"""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE conrelid::regclass::text {OURS}
            OR confrelid::regclass::text {OURS}""",
    "triggers": f"""
        SELECT pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal AND tgrelid::regclass::text {OURS}""",
    "functions": f"SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname {OURS}",
    "extensions": "SELECT extname FROM pg_extension",
    "addons": f"SELECT name, state, latest_version FROM ir_module_module WHERE name {OURS}",
    "records of addons": f"""
        SELECT module, name, model, noupdate FROM ir_model_data WHERE module {OURS}""",
    "strategies of addons": """
        SELECT data.name, code, strategy_type, fa_type, construct_pattern, upstream_regex, active
        FROM g2p_fa_strategy AS strategy JOIN ir_model_data AS data
            ON data.model = 'g2p.fa.strategy' AND data.res_id = strategy.id""",
    "account rules of addons": """
        SELECT data.name, code, fa_type, min_length, max_length, pattern, check_method
        FROM g2p_fa_account_rule AS rule JOIN ir_model_data AS data
            ON data.model = 'g2p.fa.account.rule' AND data.res_id = rule.id""",
}
# Odoo writes them whenever it loads a data file. And a strategy is used from the moment on when the
# sign-in provider of the demonstration makes IDs with it.
TOUCHED = ("write_date", "write_uid", "used")


def query(connection, statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()


def structure(connection):
    """Rows of each query of `STRUCTURE`, by its name."""
    return {name: Counter(query(connection, text)) for name, text in STRUCTURE.items()}


def columns(connection):
    """Names of the columns of each table of ours."""
    found = query(
        connection,
        f"""SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
        FROM information_schema.columns
        WHERE table_name {OURS} GROUP BY table_name""",
    )
    return {table: [name for name in names if name not in TOUCHED] for table, names in found}


def rows(connection, columns):
    """All rows of these tables as text, with these columns only.

    :param dict columns: names of columns by table
    :rtype: dict[str, set[str]]
    """
    found = {}
    for table, names in columns.items():
        statement = f"SELECT shown::text FROM (SELECT {', '.join(names)} FROM {table}) AS shown"
        found[table] = {row for (row,) in query(connection, statement)}
    return found
