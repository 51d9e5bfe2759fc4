// How much memory a tree of processes holds: the sum of their proportional set sizes, so that shared pages count once.
import { readdirSync, readFileSync } from 'node:fs'

/** Pids of a process and of all that came of it. Linux only: elsewhere there is no such file, and the answer is empty. */
function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/v.test(name)) continue
    const stat = readOrEmpty(`/proc/${name}/stat`)
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // It ended meanwhile.
  }
}

/** Bytes; undefined where the system does not tell (it does on Linux). */
export function treeMemoryBytes(roots: readonly number[]): number | undefined {
  if (process.platform !== 'linux') return undefined
  const pids = new Set(roots.flatMap((root) => processTree(root)))
  let kilobytes = 0
  for (const pid of pids)
    kilobytes += Number(/^Pss:\s+(?<pss>\d+)/mv.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`))?.groups?.['pss'] ?? 0)
  return kilobytes * 1024
}
