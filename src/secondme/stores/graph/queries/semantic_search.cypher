// read
// Documented: topics whose meaning is near, by exact cosine.
MATCH (t:Topic)
WHERE t.embedding IS NOT NULL
WITH t, 1 - vec.cosineDistance(t.embedding, vecf32($queryEmbedding)) AS similarity
WHERE similarity > 0.85
RETURN t.name, t.category
ORDER BY similarity DESC
LIMIT 5
