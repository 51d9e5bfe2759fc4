"""Writes the schema of an MLflow server's SQLite database, as an installed `mlflow` makes it, as TypeScript.

    python scripts/mlflow-schema.py src/mlflow/generated

`trueloop export mlflow` makes a database of this schema, which a stock server of that release opens as its own.
"""

import pathlib
import re
import sqlite3
import sys
import tempfile

from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine
from mlflow.version import VERSION


def statements(path):
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "select sql from sqlite_master where sql is not null and name not like 'sqlite_%'"
            " order by case type when 'table' then 0 else 1 end, type, name"
        )
        revision = database.execute("select version_num from alembic_version").fetchone()[0]
        return [re.sub(r"\s+", " ", sql).strip() for (sql,) in rows], revision


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "mlflow.db"
        _initialize_tables(create_sqlalchemy_engine(f"sqlite:///{path}"))
        made, revision = statements(path)
    quoted = [f"  '{text}'," if "'" not in text else f'  "{text}",' for text in (m.replace('"', '`') if "'" in m else m for m in made)]
    lines = [
        f"// The schema of MLflow {VERSION}'s database, written by scripts/mlflow-schema.py: not to be edited by hand.",
        "",
        "/** Of its migrations. */",
        f"export const revision = '{revision}'",
        "",
        "/** Tables first, then indexes and triggers. */",
        "export const statements = [",
        *quoted,
        "] as const",
        "",
    ]
    (pathlib.Path(sys.argv[1]) / "schema.ts").write_text("\n".join(lines))
    print(f"MLflow {VERSION}: revision {revision}, {len(made)} statements")


main()
