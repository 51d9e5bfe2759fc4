// The fate of each model version, and why, from what the control plane has on record.
import { z } from 'zod'
import { pathOf, type Client } from '../../client/http-client.ts'
import { table } from '../terminal.ts'

const Version = z.object({
  version: z.int(),
  state: z.string(),
  description: z.string(),
  tags: z.record(z.string(), z.string()),
})
const Gate = z.object({ version: z.int(), passed: z.boolean(), sentence: z.string() })
const Rollout = z.object({ challenger: z.int(), state: z.string(), sentence: z.string() })

const sentenceWidth = 110

export async function renderFates(client: Client, model: string): Promise<string> {
  const versions = await client.call({ path: pathOf`/models/${model}/versions`, answer: z.array(Version) })
  const { rollouts } = await client.call({
    path: '/rollouts',
    query: { limit: 100 },
    answer: z.object({ rollouts: z.array(Rollout) }),
  })
  const rows: string[][] = []
  for (const { version } of versions.toSorted((a, b) => a.version - b.version)) {
    const gates = await client.call({
      path: pathOf`/models/${model}/versions/${version}/gates`,
      answer: z.array(Gate),
    })
    const rollout = rollouts.find(({ challenger }) => challenger === version)
    const gate = gates[0]
    const fate = rollout ? rollout.state.replaceAll('_', ' ') : gate?.passed ? 'first champion' : 'refused by the gate'
    wrapped(rollout?.sentence ?? gate?.sentence ?? '').forEach((line, at) =>
      rows.push(at === 0 ? [`${model}/${version}`, fate, line] : ['', '', line]),
    )
  }
  return table(['version', 'fate', 'why'], rows)
}

function wrapped(text: string): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last.length + word.length + 1 > sentenceWidth) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}
