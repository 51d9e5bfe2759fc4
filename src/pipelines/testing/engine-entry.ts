// A control plane for crash tests: an engine on a database file, and one run started under a given id. Killed at any moment.
import { join } from 'node:path'
import { testActor } from '../../governance/testing.ts'
import { migrate, openDatabase } from '../../platform/database.ts'
import { startPipelineEngine } from '../engine.ts'
import type { PipelineSpecInput } from '../pipeline.ts'
import type { EngineTables } from '../step-transitions.ts'
import { engineMigrations, engineOptions } from './engine.ts'

const [directory, id, stepsJson] = process.argv.slice(2)
if (directory === undefined || id === undefined || stepsJson === undefined)
  throw new Error('directory, id and steps are missing')
const { db } = await openDatabase<EngineTables>(`sqlite:${join(directory, 'test.db')}`)
await migrate(db, engineMigrations)
const engine = await startPipelineEngine(engineOptions(db, directory))
const steps = JSON.parse(stepsJson) as PipelineSpecInput['steps']
await engine.startRun(db, testActor(), { id, spec: { name: 'crash', steps }, reason: 'a crash test' })
setInterval(() => undefined, 60_000)
