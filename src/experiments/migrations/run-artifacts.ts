// The flat list of each run's files goes into the tree of artifacts.
import { sql } from 'kysely'
import type { Migrations } from '../../platform/database.ts'

export const runArtifactMigrations: Migrations = {
  '2026-11-21-52-artifact-of-runs': {
    async up(db) {
      const tables = await db.introspection.getTables()
      // A home that had the tree before the stage of artifacts was parted from this one moved its list then.
      if (!tables.some(({ name }) => name === 'run_artifact')) return
      await sql`insert into artifact (path, digest, bytes, media_type, at_ms)
        select r.experiment_id || '/' || r.id || '/artifacts/' || a.name, a.digest, a.bytes, a.media_type, a.at_ms
        from run_artifact a inner join run r on r.id = a.run_id`.execute(db)
      await db.schema.dropTable('run_artifact').execute()
    },
  },
}
