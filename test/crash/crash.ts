import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createRandom, mix } from '../../src/simulator/random.ts'
import { backfillUnderBlows, type PartOptions } from './backfill-part.ts'
import { createRecord } from './record.ts'
import { diskHindrance } from './stage.ts'
import { syncUnderBlows } from './sync-part.ts'

/*
 * Hurts the program, the gateway, the database and the disk at random moments, and holds what the ledger claims against
 * what the database holds, entry by entry. What is done and when is drawn from the seed; what it hits depends on the
 * machine too: the same seed is the same storm, not the same wreck.
 */

const usage =
  'npm run test:crash -- [--blows <least, default 20>] [--kills <least of them kill -9, default 0, in CI 100>] ' +
  '[--minutes <most, default 60>] [--seed <number>] [--part influxdb|victoria-metrics|sqlite|sync]'

const parts: Readonly<Record<string, { readonly share: number; play(part: PartOptions): Promise<void> }>> = {
  influxdb: { share: 0.35, play: part => backfillUnderBlows('influxdb', part) },
  'victoria-metrics': { share: 0.15, play: part => backfillUnderBlows('victoria-metrics', part) },
  sqlite: { share: 0.25, play: part => backfillUnderBlows('sqlite', part) },
  sync: { share: 0.25, play: syncUnderBlows },
}

const { values } = parseArgs({
  options: {
    blows: { type: 'string', default: '20' },
    kills: { type: 'string', default: process.env['CI'] === undefined ? '0' : '100' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    part: { type: 'string' },
  },
})
const [blows, kills] = [Number(values.blows), Number(values.kills)]
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
if (!(blows > 0 && kills >= 0 && minutes > 0 && Number.isInteger(seed)) || (values.part ?? 'sync') in parts === false) {
  console.error(usage)
  process.exit(2)
}

const chosen = Object.entries(parts).filter(([name]) => values.part === undefined || values.part === name)
const record = createRecord()
const started = performance.now()
const deadline = started + minutes * 60_000
const again = `npm run test:crash -- --seed ${seed} --blows ${blows} --kills ${kills}${values.part === undefined ? '' : ` --part ${values.part}`}`

console.log(again)
const hindrance = diskHindrance()
if (hindrance !== undefined) console.log(`left out: the full disk, because none can be mounted here (${hindrance})`)

// what was started and mounted is to be cleared away
let isStopped = false
process.once('SIGINT', () => {
  isStopped = true
})

for (const [position, [name, { share, play }]] of chosen.entries()) {
  const before = { blows: record.blows, kills: record.kills }
  const part = chosen.length === 1 ? 1 : share
  const isEnough = () =>
    record.blows - before.blows >= Math.round(blows * part) && record.kills - before.kills >= Math.ceil(kills * part)
  const goesOn = () => !isStopped && !isEnough() && performance.now() < deadline
  try {
    await play({ seed, random: createRandom(mix(seed, 3, position)), goesOn, record })
  } catch (error) {
    record.finding(`${name}: ${error instanceof Error ? error.stack : error}`)
  }
}

const took = Math.round((performance.now() - started) / 1000)
console.log(`\n${record.blows} blows, ${record.kills} of them kill -9, in ${took} s, seed ${seed}`)
if (record.findings.length === 0)
  console.log('0 lost, 0 changed, 0 extra; no claim was untrue; no lock, no draft was left')
else {
  console.log(`${record.findings.length} findings:`)
  for (const finding of record.findings) console.log(`- ${finding}`)
  console.log(`Again: ${again}`)
  process.exitCode = 1
}
