"""What LDTILECFG accepts (its own page): palette 1 has eight tiles of at most 16 rows of at most 64 bytes."""

MAX_ROWS, MAX_COLSB = 16, 64


def legal_configuration(content):
    """Say whether 64 bytes are a configuration; palette 0 turns the tiles off, and nothing else of it counts."""
    palette = content[0]
    if palette == 0:
        return True
    if palette > 1:
        return False
    if any(content[2:16]) or any(content[32:48]) or any(content[56:64]):
        return False
    for tile in range(8):
        colsb = int.from_bytes(content[16 + 2 * tile : 18 + 2 * tile], "little")
        rows = content[48 + tile]
        if colsb > MAX_COLSB or rows > MAX_ROWS:
            return False
        if (colsb == 0) != (rows == 0):
            return False
    return True
