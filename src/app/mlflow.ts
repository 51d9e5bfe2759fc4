// MLflow's API over the stages: which methods there are, and what each of their areas is given.
import type { FastifyInstance } from 'fastify'
import type { BoundMethods } from '../mlflow/rpc.ts'
import { mlflowRoutes } from '../mlflow/server.ts'
import type { Config } from './config.ts'
import type { Context } from './context.ts'

export async function registerMlflow(server: FastifyInstance, _config: Config, context: Context): Promise<void> {
  const { log } = context
  const methods: BoundMethods = {}
  await server.register(mlflowRoutes, { methods, log })
}
