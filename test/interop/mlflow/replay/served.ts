// Which routes of stock Trueloop serves: what it does not is listed with reasons in src/mlflow/absent.ts, and no replay asks for it.
import { absentMethods, emptyLists } from '../../../../src/mlflow/absent.ts'
import type { Method } from './plans/shapes.ts'

const absent: ReadonlySet<string> = new Set([...Object.keys(absentMethods), ...emptyLists])

export const isServed = ({ name }: Method): boolean => !absent.has(name)
