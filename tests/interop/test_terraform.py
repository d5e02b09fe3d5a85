"""terraform's own parser reads the module, and its own evaluation gives each table what the catalog says.

The provider of BigQuery's resources is in no package registry, so what it would refuse is not seen here. Everything
else is: each resource is handed to `terraform_data`, which terraform has built in, with the arguments as they are, and
`terraform plan` says what their expressions give.
"""

import json
import os
import shutil
import subprocess

HINT = "see HashiCorp's page; the test needs no provider"


def terraform(program, folder, *arguments):
    environment = os.environ | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    run = subprocess.run(
        [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_module_is_read_as_one_that_needs_google(folder, program):
    found = program("terraform", HINT)
    assert "provider[registry.terraform.io/hashicorp/google]" in terraform(
        found, folder.path / "terraform", "providers"
    )


def test_each_table_has_the_schema_file_and_the_description_of_the_catalog(folder, program, tmp_path):
    found = program("terraform", HINT)
    shutil.copytree(folder.path / "bigquery", tmp_path / "bigquery")
    module = tmp_path / "terraform"
    module.mkdir()
    for file in (folder.path / "terraform").glob("*.tf.json"):
        content = json.loads(file.read_text())
        tables = content["resource"].pop("google_bigquery_table")
        content["resource"]["terraform_data"] = {name: {"input": table} for name, table in tables.items()}
        (module / file.name).write_text(json.dumps(content))
    terraform(found, module, "init", "-input=false")
    terraform(found, module, "validate")
    terraform(found, module, "plan", "-input=false", "-var=dataset_id=logeater", "-out=plan")
    plan = json.loads(terraform(found, module, "show", "-json", "plan"))
    planned = {
        resource["name"]: resource["values"]["input"] for resource in plan["planned_values"]["root_module"]["resources"]
    }
    assert planned.keys() == folder.tables().keys()
    for name, table in planned.items():
        assert table["table_id"] == name
        assert table["dataset_id"] == "logeater"
        assert table["clustering"] == ["cluster_key"]
        assert table["deletion_protection"] is True
        assert json.loads(table["schema"]) == folder.tables()[name]
        assert table.get("description", "") == folder.catalog(name)["description"]
