"""sqlglot, a second parser of BigQuery's dialect, finds the same columns in each CREATE TABLE, and parses the join."""

import pytest
import sqlglot
from sqlglot import exp

# BigQuery's REST names, and sqlglot's.
TYPES = {
    "INTEGER": "INT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
}


def parse(statement):
    return sqlglot.parse_one(statement, read="bigquery")


def kind(column):
    """The type of a column of the schema file in DDL."""
    limits = [column[key] for key in ("maxLength", "precision", "scale") if key in column]
    one = TYPES.get(column["type"], column["type"])
    if column["type"] == "RECORD":
        # NOT NULL and descriptions of fields are looked at on their own.
        one = "STRUCT<" + ", ".join(f"{field['name']} {kind(field)}" for field in column["fields"]) + ">"
    elif limits:
        one += f"({', '.join(limits)})"
    return f"ARRAY<{one}>" if column.get("mode") == "REPEATED" else one


def described(columns):
    """Every description of the schema file, RECORDs before what is in them."""
    for column in columns:
        if "description" in column:
            yield column["description"]
        yield from described(column.get("fields", []))


def bare(kind_):
    """A type without the constraints and quotes of the fields in it."""
    kind_ = kind_.copy()
    for definition in list(kind_.find_all(exp.ColumnDef)):
        definition.set("constraints", None)
        definition.this.set("quoted", False)
    return kind_.sql(dialect="bigquery")


def not_null(definition):
    return definition.find(exp.NotNullColumnConstraint) is not None


def test_each_create_table_has_the_columns_of_its_schema_file(folder):
    schemas = folder.tables()
    for name, statement in folder.create_tables().items():
        created = parse(statement)
        assert isinstance(created, exp.Create) and created.kind == "TABLE"
        assert created.this.this.sql(dialect="bigquery") == f"`logeater`.`{name}`"
        definitions = created.this.expressions
        columns = [(definition.name, bare(definition.kind)) for definition in definitions]
        assert columns == [(column["name"], kind(column)) for column in schemas[name]]
        # Those of the column itself: what is in its type belongs to the fields.
        required = [
            definition.name
            for definition in definitions
            if any(isinstance(of.kind, exp.NotNullColumnConstraint) for of in definition.args["constraints"])
        ]
        assert required == [column["name"] for column in schemas[name] if column["mode"] == "REQUIRED"]


def test_each_create_table_has_the_descriptions_and_is_clustered_by_the_day(folder):
    schemas = folder.tables()
    for name, statement in folder.create_tables().items():
        created = parse(statement)
        clusters = list(created.find_all(exp.ClusterProperty))
        assert [[column.name for column in cluster.expressions] for cluster in clusters] == [["cluster_key"]]
        texts = [literal.this for literal in created.this.find_all(exp.Literal, bfs=False) if literal.is_string]
        assert sorted(texts) == sorted(described(schemas[name]))


def test_the_join_of_each_event_type_parses(folder):
    joins = list(folder.joins())
    assert joins
    for table, join in joins:
        query = parse(join)
        assert [found.name for found in query.find_all(exp.Table)] == ["events", table]


def test_what_is_no_sql_is_refused():
    with pytest.raises(sqlglot.errors.ParseError):
        parse("CREATE TABLE `logeater`.`x` (`a` STRING,, `b` STRING")
