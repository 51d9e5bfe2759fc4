// Steps outlive the control plane, so that the next one can go on with them; when a whole home is taken down, they are ended too.
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../platform/processes.ts'
import { attemptFiles, exists, readIdentity } from './attempts/attempt-directory.ts'
import { endGroup } from './attempts/process-group.ts'

/**
 * Ends every step that runs in the attempts directory, at once. Wants the control plane to be gone. The next one finds the attempts lost,
 * which uses up no try, and makes new ones. Answers how many ran.
 */
export async function endStepProcesses(attemptsDirectory: string): Promise<number> {
  let ended = 0
  for (const attempt of (await exists(attemptsDirectory)) ? await readdir(attemptsDirectory) : []) {
    const directory = join(attemptsDirectory, attempt)
    if (await exists(join(directory, attemptFiles.exit))) continue
    let identity = await readIdentity(directory)
    if (!identity) {
      // It may be on its way: it looks for this before it begins.
      await writeFile(join(directory, attemptFiles.abandoned), '')
      identity = await readIdentity(directory)
    }
    if (!identity || !isAlive(identity)) continue
    await endGroup(identity, 0)
    ended++
  }
  return ended
}
