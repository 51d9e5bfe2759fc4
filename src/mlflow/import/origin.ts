// How an experiment that came over is known again.

/** Tag of an experiment: its source and the id that it had there. */
export const originTag = 'trueloop.importedFrom'
