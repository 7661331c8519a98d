-- Letters are events of a topic from now on, as everywhere else; somebody reads it and keeps them.
INSERT INTO events (topic, type, partition_key, published_at, event)
  SELECT 'freeface.dead-letters', event ->> '$.type', NULL, at,
    json_set(event, '$.knativeerrordest', name, '$.knativeerrorcode', status, '$.knativeerrordata', reason,
      '$.freefacetopic', topic, '$.freefaceattempts', attempts, '$.freefacefailedat',
      strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'))
  FROM dead_letters ORDER BY id;
DROP TABLE dead_letters;
