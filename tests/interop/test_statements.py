"""Google's SQL analyzer takes every statement that `logeater schema diff` says a person could run.

The program under test is the one that LOGEATER_PROGRAM names.
"""

import itertools
import json
import os
import re
import subprocess

import pytest
from test_analyzer import Warehouse

TYPES = [
    "INTEGER",
    "FLOAT",
    "NUMERIC",
    "BIGNUMERIC",
    "BOOLEAN",
    "STRING",
    "BYTES",
    "DATE",
    "TIME",
    "DATETIME",
    "TIMESTAMP",
    "JSON",
    "RECORD",
]
KEYS = [
    {"name": "event_id", "type": "STRING", "mode": "REQUIRED"},
    {"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"},
]


def column(type_, mode="NULLABLE", name="order", **more):
    made = {"name": name, "type": type_, "mode": mode} | more
    if type_ == "RECORD":
        made["fields"] = [{"name": "x", "type": "STRING"}]
    return made


def write(folder, columns):
    """A folder of schemas as the program reads it, with one table of these columns."""
    (folder / "catalog").mkdir(parents=True, exist_ok=True)
    file = {"version": 1, "table": "cart", "columns": KEYS + columns, "events": []}
    (folder / "catalog" / "cart.json").write_text(json.dumps(file))
    return str(folder)


def logeater(*arguments, codes=(0,)):
    if "LOGEATER_PROGRAM" not in os.environ:
        assert os.environ.get("LOGEATER_INTEROP_ALL") != "1", "LOGEATER_PROGRAM does not name the program"
        pytest.skip("LOGEATER_PROGRAM does not name the program")
    run = subprocess.run(
        [os.environ["LOGEATER_PROGRAM"], "schema", *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode in codes, run.stderr
    return run.stdout


def warehouse(tmp_path, columns):
    """A warehouse with the table of these columns."""
    folder = write(tmp_path / "made", columns)
    made = Warehouse()
    made.create("cart", logeater("render", "--format", "sql", "--only", "cart", folder).rstrip().rstrip(";"))
    return made


def statements(tmp_path, old, new):
    """What the program says that a person could run to make the old columns the new ones."""
    folders = write(tmp_path / "old", old), write(tmp_path / "new", new)
    report = json.loads(logeater("diff", "--format", "json", *folders, codes=(0, 1)))
    return [statement for change in report["changes"] for statement in change["statements"]]


def run_through(tmp_path, old, new):
    """Analyzes each statement against the table as those before it have left it, and gives how many there are."""
    columns = [dict(column) for column in old]
    found = statements(tmp_path, old, new)
    for statement in found:
        try:
            warehouse(tmp_path, columns).analyze(statement.rstrip(";"))
        except Exception as error:  # The analyzer's own class is not public.
            pytest.fail(f"{error}\n{statement}")
        renamed = re.search(r"RENAME COLUMN `(.*)` TO `(.*)`;", statement)
        if renamed:
            of_name = [column for column in columns if column["name"] == renamed[1]]
            of_name[0]["name"] = renamed[2]
        if "ADD COLUMN" in statement:
            columns.append({key: value for key, value in new[0].items() if key != "default"})
    return len(found)


@pytest.mark.parametrize("modes", list(itertools.product(["NULLABLE", "REPEATED"], repeat=2)), ids="-".join)
def test_a_column_of_any_type_may_become_one_of_any_other(tmp_path, modes):
    seen = 0
    # What becomes of the types does not depend on the modes: a few are enough where those differ.
    types = TYPES if modes == ("NULLABLE", "NULLABLE") else ["INTEGER", "STRING", "JSON", "RECORD"]
    for old, new in itertools.product(types, repeat=2):
        seen += run_through(tmp_path, [column(old, modes[0])], [column(new, modes[1])])
    assert seen > 2 * len(types)


def test_columns_that_come_go_and_change_otherwise(tmp_path):
    text = {"description": 'Say "a" \\ b\n🦀'}
    for old, new in [
        ([], [column("STRING")]),
        ([], [column("STRING", "REQUIRED", **text)]),
        ([], [column("INTEGER", default="1 + 1", **text)]),
        ([], [column("RECORD", "REPEATED", **text)]),
        ([column("STRING")], []),
        ([column("STRING")], [column("STRING", name="Order")]),
        ([column("STRING", "REQUIRED")], [column("STRING")]),
        ([column("STRING")], [column("STRING", **text)]),
        ([column("STRING", default="'a'")], [column("STRING", default="'b'")]),
        ([column("STRING", default="'a'")], [column("STRING")]),
        ([column("STRING", max_length=3)], [column("STRING", max_length=4)]),
        ([column("STRING", max_length=3)], [column("STRING", max_length=2)]),
        ([column("NUMERIC", precision=10, scale=2)], [column("NUMERIC", precision=12, scale=3)]),
    ]:
        assert run_through(tmp_path, old, new)


def test_a_statement_that_is_wrong_would_be_seen(tmp_path):
    made = warehouse(tmp_path, [column("STRING")])
    for wrong in [
        "UPDATE `logeater`.`cart` SET `order` = SAFE_CAST(`order` AS INT64) WHERE TRUE",
        "ALTER TABLE `logeater`.`cart` ALTER COLUMN `none` DROP NOT NULL",
        "ALTER TABLE `logeater`.`cart` ALTER COLUMN `order` SET DATA TYPE INT64",
    ]:
        with pytest.raises(Exception, match=r"(?i)cannot|not found|not assignable|type"):
            made.analyze(wrong)
