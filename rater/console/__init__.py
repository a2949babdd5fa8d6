"""What people look at: the read model in SQL, and over it the REST API and the web console.

```
topics -> projection -> SQL (store, tables) -> queries -> api, pages, `rater statement` and its sisters
```

`rater.readmodel` is read here, and nothing decides a charge.
"""
