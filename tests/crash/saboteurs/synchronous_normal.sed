# The journal is not flushed with each transaction. Found by the power-cut rig; kill -9 cannot see it.
s/PRAGMA synchronous = FULL;/PRAGMA synchronous = NORMAL;/
