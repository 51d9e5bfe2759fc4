// Where the parts of uploads that are under way lie.
import { join } from 'node:path'
import type { Config } from './config.ts'

export const uploadsFolder = ({ home }: Pick<Config, 'home'>): string => join(home, 'uploads')
