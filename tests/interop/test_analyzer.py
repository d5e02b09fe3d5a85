"""Google's own SQL analyzer reads each CREATE TABLE as the schema file has it, and resolves the join.

It is ZetaSQL, the analyzer of BigQuery, compiled to WebAssembly (PyPI `zetasql`). It does not know the names of
options, so what stands in OPTIONS is seen as text only. Its Python binding doubles its time with each level of nesting,
so tables with more than eight levels are left to the other witnesses.
"""

import os

import pytest

wasmtime = pytest.importorskip("wasmtime")


class _CachedConfig(wasmtime.Config):
    """The first compilation takes a minute or two; the next ones read it from the cache."""

    def __init__(self):
        super().__init__()
        folder = os.environ.get("LOGEATER_INTEROP_CACHE")
        if folder:
            os.makedirs(folder, exist_ok=True)
            config = os.path.join(folder, "wasmtime.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(f'[cache]\ndirectory = "{folder}/wasmtime"\n')
            self.cache = config


import zetasql.core.wasm_client as wasm_client  # noqa: E402

wasm_client.Config = _CachedConfig

from zetasql.api import Analyzer, CatalogBuilder, TableBuilder  # noqa: E402
from zetasql.types import (  # noqa: E402
    AnalyzerOptions,
    LanguageOptions,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)
from zetasql.types.proto_model import LanguageFeature, ProductMode  # noqa: E402

# BigQuery's REST names, and those of the analyzer.
TYPES = {
    "INTEGER": "INT64",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOL",
}


def language():
    language = LanguageOptions.maximum_features()
    language.product_mode = ProductMode.PRODUCT_EXTERNAL
    language.enabled_language_features.append(LanguageFeature.FEATURE_ALTER_COLUMN_SET_DATA_TYPE)
    return language


PROJECT = "local"


class Warehouse:
    """The tables that CREATE TABLE statements have made so far in the dataset `logeater`."""

    def __init__(self):
        self.tables = {}

    def analyze(self, statement):
        options = language()
        dataset = CatalogBuilder("logeater")
        for table in self.tables.values():
            dataset.add_table(table)
        catalog = CatalogBuilder("project").with_builtin_functions(
            ZetaSQLBuiltinFunctionOptions(language_options=options)
        )
        catalog = catalog.build()
        project = CatalogBuilder(PROJECT).build()
        project.catalog.append(dataset.build())
        # A table may be named with its project and without.
        catalog.catalog.extend([dataset.build(), project])
        return Analyzer(AnalyzerOptions(language_options=options), catalog).analyze_statement(statement)

    def create(self, name, statement):
        """What the analyzer sees in a CREATE TABLE, which is there from now on."""
        created = self.analyze(statement)
        assert type(created).__name__ == "ResolvedCreateTableStmt"
        assert list(created.name_path) == ["logeater", name]
        table = TableBuilder(name)
        for column in created.column_definition_list:
            table.add_column(column.name, column.type)
        self.tables[name] = table.build()
        return created


def seen(type_):
    """A type of the analyzer as a type and a mode of the schema file, RECORDs with their columns."""
    if type_.array_type:
        return ("REPEATED", seen(type_.array_type.element_type)[1])
    if type_.struct_type:
        return ("", [(field.field_name, seen(field.field_type)) for field in type_.struct_type.field])
    return ("", TypeKind(type_.type_kind).name.removeprefix("TYPE_"))


def declared(column):
    """The same of a column of the schema file."""
    if column["type"] == "RECORD":
        kind = [(field["name"], declared(field)) for field in column["fields"]]
    else:
        kind = TYPES.get(column["type"], column["type"])
    return ("REPEATED" if column.get("mode") == "REPEATED" else "", kind)


LEVELS_MAX = 8


def levels(columns):
    return max((1 + levels(column["fields"]) for column in columns if column.get("fields")), default=0)


def create_tables(folder):
    schemas = folder.tables()
    assert schemas.keys() == folder.create_tables().keys()
    found = {name: sql for name, sql in folder.create_tables().items() if levels(schemas[name]) <= LEVELS_MAX}
    assert len(found) >= len(schemas) - 1
    return found


def test_each_create_table_has_the_columns_of_its_schema_file(folder):
    warehouse = Warehouse()
    schemas = folder.tables()
    for name, statement in create_tables(folder).items():
        created = warehouse.create(name, statement.rstrip().rstrip(";"))
        columns = [(column.name, seen(column.type)) for column in created.column_definition_list]
        assert columns == [(column["name"], declared(column)) for column in schemas[name]]
        required = [
            column.name
            for column in created.column_definition_list
            if column.annotations is not None and column.annotations.not_null
        ]
        assert required == [column["name"] for column in schemas[name] if column.get("mode") == "REQUIRED"]


def test_the_join_of_each_event_type_resolves_to_the_columns_of_both_tables(folder):
    warehouse = Warehouse()
    made = create_tables(folder)
    for name, statement in made.items():
        warehouse.create(name, statement.rstrip().rstrip(";"))
    schemas = folder.tables()
    joins = [(table, join) for table, join in folder.joins() if table in made]
    assert joins
    for table, join in joins:
        query = warehouse.analyze(join)
        columns = [(column.name, seen(column.column.type)) for column in query.output_column_list]
        both = schemas["events"] + schemas[table]
        assert columns == [(column["name"], declared(column)) for column in both]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE `logeater`.`x` (`a` STRIN)",
        "CREATE TABLE `logeater`.`x` (`a` STRING, `A` INT64)",
        "CREATE TABLE `logeater`.`x` (`a` ARRAY<ARRAY<INT64>>)",
        "CREATE TABLE `logeater`.`x` (`a` STRING OPTIONS (description = \"b\") NOT NULL)",
        "SELECT `nothing` FROM `logeater`.`x`",
    ],
)
def test_the_analyzer_refuses_what_is_wrong(statement):
    with pytest.raises(Exception, match=r"(?i)strin|duplicate|array|syntax|not found"):
        Warehouse().analyze(statement)
