// The loop journey on what a newcomer has: SQLite and a folder.
import { testLoopJourney } from './loop-journey.ts'

testLoopJourney(() => ({}))
