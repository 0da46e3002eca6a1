# Written by element vertica.
PATH=$PATH:/opt/vertica/bin
