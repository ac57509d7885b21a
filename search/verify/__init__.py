"""Apollo held against published figures: each part a table, an aim for every figure."""
