import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { measureMemory } from './bench/memory.ts'
import { measureSlowGateway } from './bench/slow-gateway.ts'
import { type Row, tableText } from './bench/table.ts'
import { measureTenYears } from './bench/ten-years.ts'
import { measureThroughput } from './bench/throughput.ts'
import { measureVerification } from './bench/verification.ts'

/*
 * The numbers that this project holds to (CONTRIBUTING.md), side by side in one run. They are for people: ratios mean something anywhere,
 * the rest on this machine only; nothing fails because of them.
 */

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})

const sections: Readonly<Record<string, (say: (text: string) => void) => Promise<Row[]>>> = {
  throughput: measureThroughput,
  memory: say => measureMemory(values.long, say),
  'slow-gateway': measureSlowGateway,
  'ten-years': measureTenYears,
  verification: measureVerification,
}
if (values.only !== undefined && !(values.only in sections)) {
  console.error(`npm run bench -- [--long] [--json] [--only ${Object.keys(sections).join('|')}]`)
  process.exit(2)
}

const rows: Row[] = []
for (const [name, measure] of Object.entries(sections)) {
  if (values.only !== undefined && values.only !== name) continue
  console.error(`── ${name}`)
  try {
    rows.push(...(await measure(text => console.error(`   ${text}`))))
  } catch (error) {
    const measured = `not measured: ${error instanceof Error ? error.message : error}`
    rows.push({ name, measured, target: '', numbers: {} })
  }
}

const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`
if (values.json) console.log(JSON.stringify({ machine, rows }, undefined, 2))
else {
  console.log(`\n${machine}\n${tableText(rows)}`)
  console.log('Left out: Node-RED, which is not installed here.')
}
