"""What people look at: the read model in SQL, and over it the REST API and the web console.

```
topics -> projection -> SQL (store, tables) -> queries -> api, pages, `rater statement` and its sisters
```

`follow` reads Kafka, `projection` turns messages into rows, `queries` answers; nothing here decides a charge.
"""
