"""Parts of the bulk API: preparing documents, following operations, results, uploads."""
