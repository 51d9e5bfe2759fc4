// What uses a registered model downstream, so that it may not be renamed or deleted: endpoints that serve it, a loop that trains it.
import { findAppliedSpec, type LoopTables } from '../loop/loop-store.ts'
import type { ModelUses } from '../models/registered-models.ts'
import { versionText } from '../models/model-version.ts'
import type { Transaction } from '../platform/database.ts'
import { listEndpoints, type EndpointTables } from '../serving/endpoint-store.ts'

export const modelUses: ModelUses = {
  async findUse(models, model, version) {
    // The registry knows its own tables only; the connection that it was given has all of them.
    const trx = models as unknown as Transaction<EndpointTables & LoopTables>
    const serves = (text: string): boolean =>
      version === undefined ? text.startsWith(`${model}/`) : text === versionText({ model, version })
    for (const { name, variants } of await listEndpoints(trx)) {
      const found = variants.find((variant) => serves(variant.version))
      if (found) return `endpoint "${name}" serves ${found.version}`
    }
    if (version === undefined && (await findAppliedSpec(trx, model))) return `loop "${model}" trains it`
    return undefined
  },
}
