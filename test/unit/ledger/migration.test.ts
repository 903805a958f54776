import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { selectorKey } from '../../../src/domain/datapoint.ts'
import { openLedger, openLedgerReadOnly } from '../../../src/ledger/ledger.ts'
import { applicationId, migrations } from '../../../src/ledger/schema.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const place = { sink: 'sqlite:points', gateway: 'plant-a' }
const lux: Selector = { device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { name: 'nvoLux' } }

/** A file as the program of that version left it, with one of everything in it. */
function fileOfVersion(version: number): string {
  const path = join(temporaryFolder(), 'ledger.db')
  const database = new DatabaseSync(path)
  for (const step of migrations.slice(0, version)) database.exec(step)
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}; PRAGMA journal_mode = WAL`)
  database
    .prepare('INSERT INTO target (id, sink, gateway, key, selector) VALUES (1, ?, ?, ?, ?)')
    .run(place.sink, place.gateway, selectorKey(lux), JSON.stringify(lux))
  database.exec('INSERT INTO coverage (target, final, after, until) VALUES (1, 1, 0, 1000), (1, 0, 1000, 2000)')
  database.exec("INSERT INTO parked VALUES (1, 2000, 3000, 'no-end', 'cut', 7, 3)")
  if (version < 9) database.exec("INSERT INTO window VALUES ('plant-a', 'all', 86400000)")
  else
    database.exec(`INSERT INTO gateway_memory VALUES ('plant-a', 'window all', '86400000'),
    ('plant-a', 'width Sensor 1/*/*/*', '"narrow"'), ('plant-a', 'clock', '{"host":7,"gateway":9}'),
    ${version < 11 ? `('plant-a', 'second-looks', '{"looks":2,"points":30,"late":1}')` : `('plant-a', 'rereads', '{"ranges":2,"points":30,"late":1}')`}, ('plant-a', 'retention', '{"at":7,"known":[[1000,["${selectorKey(lux)}"]]]}')`)
  if (version >= 5 && version < 9) database.exec("INSERT INTO clock VALUES ('plant-a', 7, 9)")
  if (version === 8)
    database
      .prepare('INSERT INTO retention VALUES (?, 7, ?)')
      .run('plant-a', JSON.stringify([[1000, [selectorKey(lux)]]]))
  database.exec("INSERT INTO owner (one, token, pid, host, doing, heartbeat) VALUES (1, 't', 1, 'h', 'sync', 7)")
  if (version >= 4) database.exec("INSERT INTO series VALUES (1, 'datalog', '{}'); INSERT INTO content VALUES (1, 1)")
  if (version >= 2) {
    database.exec('UPDATE coverage SET points = 5 WHERE final = 1')
    if (version < 9) {
      database.exec("INSERT INTO grouping VALUES ('plant-a', 'Sensor 1/*/*/*', 'narrow')")
      database.exec("INSERT INTO second_look VALUES ('plant-a', 2, 30, 1)")
    }
  }
  database.close()
  return path
}

it.each(
  migrations.map((_, i) => i + 1),
)('a ledger of version %i is brought up to date with all that is in it', version => {
  for (const open of [openLedger, openLedgerReadOnly]) {
    const path = fileOfVersion(version)
    const ledger = open(path, steeredClock())
    const { final, provisional } = ledger.coverage.of(place, [lux]).get(lux)!
    expect(final.ranges).toEqual([{ after: 0, until: 1000 }])
    expect(provisional.ranges).toEqual([{ after: 1000, until: 2000 }])
    expect(ledger.proofs.of(place, lux)).toEqual([
      // before version 4 it was not known of which series the points were
      { range: { after: 0, until: 1000 }, points: version >= 4 ? 5 : undefined, counts: undefined },
    ])
    expect(ledger.parked.of(place, lux)).toMatchObject([{ code: 'no-end', tries: 3 }])
    expect(ledger.memory.windowOf('plant-a', 'all')).toBe(86_400_000)
    expect(ledger.memory.widthOf('plant-a', 'Sensor 1/*/*/*')).toBe(version >= 2 ? 'narrow' : undefined)
    expect(ledger.memory.rereads().get('plant-a')).toEqual(
      version >= 2 ? { ranges: 2, points: 30, late: 1 } : undefined,
    )
    expect(ledger.memory.clockOf('plant-a')).toEqual(version >= 5 ? { host: 7, gateway: 9 } : undefined)
    const retentions = ledger.memory.retentions('plant-a')
    expect(retentions && [retentions.at, retentions.of(lux)]).toEqual(version >= 8 ? [7, 1000] : undefined)
    expect(ledger.pins.of(place).get('a/b/0/c')).toBeUndefined()
    ledger.close()
    const database = new DatabaseSync(path, { readOnly: true })
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: migrations.length })
    database.close()
  }
})
