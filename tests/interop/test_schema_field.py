"""google-cloud-bigquery's own SchemaField takes each schema file, and gives it back equal."""

import json

from google.cloud import bigquery

# What the client library has no member for, or leaves out: nothing so far.


def given_back(columns):
    return [bigquery.SchemaField.from_api_repr(column).to_api_repr() for column in columns]


def test_each_schema_file_is_given_back_equal(folder):
    for name, columns in folder.tables().items():
        assert given_back(columns) == columns, name


def test_the_client_reads_each_schema_file(folder):
    client = bigquery.Client.__new__(bigquery.Client)
    for name, columns in folder.tables().items():
        fields = client.schema_from_json(str(folder.path / "bigquery" / f"{name}.json"))
        assert [field.name for field in fields] == [column["name"] for column in columns]
        table = bigquery.Table(f"project.logeater.{name}", schema=fields)
        assert json.loads(json.dumps(table.to_api_repr()["schema"]["fields"])) == columns


def test_a_missing_member_would_be_seen():
    assert given_back([{"name": "a", "type": "STRING"}]) != [{"name": "a", "type": "STRING", "mode": "REQUIRED"}]
