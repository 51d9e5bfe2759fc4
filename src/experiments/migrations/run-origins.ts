// What runs and experiments of MLflow's clients have and ours had not: places of artifacts, users, datasets by name and digest, models as input and output.
import { sql, type Kysely } from 'kysely'
import type { Migrations } from '../../platform/database.ts'
import { chunksOf } from '../../platform/chunks.ts'
import { counted, text } from '../../platform/text-column.ts'

export const runOriginMigrations: Migrations = {
  '2026-11-21-51-artifact-location': {
    async up(db) {
      const given = (table: string, column: string) =>
        db.schema
          .alterTable(table)
          .addColumn(column, text(db), (c) => c.notNull().defaultTo(''))
          .execute()
      await given('experiment', 'artifact_location')
      await given('run', 'artifact_uri')
      await given('run', 'user_id')
      await db.schema
        .alterTable('run')
        .addColumn('deleted_with_experiment', 'integer', (c) => c.notNull().defaultTo(0))
        .execute()
      await sql`update experiment set artifact_location = 'mlflow-artifacts:/' || id`.execute(db)
      await sql`update run set user_id = created_by, artifact_uri = 'mlflow-artifacts:/' || experiment_id || '/' || id || '/artifacts'`.execute(
        db,
      )
    },
  },
  '2026-11-21-51-experiment-tag': {
    async up(db) {
      await db.schema
        .createTable('experiment_tag')
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('key', text(db), (c) => c.notNull())
        .addColumn('value', text(db), (c) => c.notNull())
        .addPrimaryKeyConstraint('experiment_tag_key', ['experiment_id', 'key'])
        .execute()
      const { rows } = await sql<{ id: number; tags: string }>`select id, tags from experiment`.execute(db)
      const tags = rows.flatMap(({ id, tags: json }) =>
        Object.entries(JSON.parse(json) as Record<string, string>).map(
          ([key, value]) => sql`(${id}, ${key}, ${value})`,
        ),
      )
      for (const chunk of chunksOf(tags)) {
        await sql`insert into experiment_tag (experiment_id, key, value) values ${sql.join(chunk)}`.execute(db)
      }
      await db.schema.alterTable('experiment').dropColumn('tags').execute()
    },
  },
  '2026-11-21-51-experiment-number': {
    async up(db) {
      await db.schema
        .createTable('experiment_number')
        .addColumn('last', 'integer', (c) => c.notNull())
        .execute()
      await sql`insert into experiment_number (last) select coalesce(max(id), 0) from experiment`.execute(db)
    },
  },
  '2026-11-21-51-logged-dataset': {
    async up(db) {
      await db.schema
        .createTable('logged_dataset')
        .addColumn('id', counted(db))
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('digest', text(db), (c) => c.notNull())
        .addColumn('source_type', text(db), (c) => c.notNull())
        .addColumn('source', 'text', (c) => c.notNull())
        .addColumn('schema', 'text')
        .addColumn('profile', 'text')
        .addColumn('dataset_version', text(db))
        .addUniqueConstraint('logged_dataset_name', ['experiment_id', 'name', 'digest'])
        .execute()
      await index(db, 'logged_dataset', ['dataset_version'])
      await index(db, 'logged_dataset', ['name'])
      await index(db, 'logged_dataset', ['digest'])
      await db.schema
        .createTable('run_dataset')
        .addColumn('run_id', text(db), (c) => c.notNull().references('run.id'))
        .addColumn('dataset_id', 'bigint', (c) => c.notNull().references('logged_dataset.id'))
        .addColumn('context', text(db), (c) => c.notNull())
        .addColumn('tags', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('run_dataset_key', ['run_id', 'dataset_id', 'context'])
        .execute()
      await index(db, 'run_dataset', ['dataset_id', 'run_id'])
      await index(db, 'run_dataset', ['context', 'run_id'])
      await moveInputs(db)
      await db.schema.dropTable('run_input').execute()
    },
  },
  '2026-11-21-51-run-model': {
    async up(db) {
      await db.schema
        .createTable('run_model_input')
        .addColumn('run_id', text(db), (c) => c.notNull().references('run.id'))
        .addColumn('model_id', text(db), (c) => c.notNull())
        .addPrimaryKeyConstraint('run_model_input_key', ['run_id', 'model_id'])
        .execute()
      await index(db, 'run_model_input', ['model_id'])
      await db.schema
        .createTable('run_model_output')
        .addColumn('run_id', text(db), (c) => c.notNull().references('run.id'))
        .addColumn('model_id', text(db), (c) => c.notNull())
        .addColumn('step', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('run_model_output_key', ['run_id', 'model_id'])
        .execute()
      await index(db, 'run_model_output', ['model_id'])
    },
  },
}

const index = (db: Kysely<unknown>, table: string, columns: string[]): Promise<void> =>
  db.schema.createIndex(`${table}_${columns[0]}_index`).on(table).columns(columns).execute()

/** Of dataset versions of this home, which were all that a run could name so far. */
async function moveInputs(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ run_id: string; experiment_id: number; dataset_version: string; role: string }>`
    select i.run_id, r.experiment_id, i.dataset_version, i.role from run_input i inner join run r on r.id = i.run_id`.execute(
    db,
  )
  for (const { run_id, experiment_id, dataset_version, role } of rows) {
    const at = dataset_version.lastIndexOf('/')
    const [dataset, version] = [dataset_version.slice(0, at), Number(dataset_version.slice(at + 1))]
    const source = JSON.stringify({ dataset, version })
    await sql`insert into logged_dataset (experiment_id, name, digest, source_type, source, dataset_version)
      values (${experiment_id}, ${dataset}, ${`v${version}`}, 'trueloop', ${source}, ${dataset_version})
      on conflict do nothing`.execute(db)
    await sql`insert into run_dataset (run_id, dataset_id, context, tags)
      select ${run_id}, id, ${role}, ${JSON.stringify({ 'mlflow.data.context': role })} from logged_dataset
      where experiment_id = ${experiment_id} and name = ${dataset} and digest = ${`v${version}`}`.execute(db)
  }
}
