"""Loading at size: files and tables of any length, checked, sorted and written in a child process under a memory limit.

A *job* is a folder. The child reads the source piece by piece (`sources`), lets the rows that are certainly good
through in SQL (`lane`, `sift`) and gives the others to the very functions that read small files (`slow`), so that both
ways find the same faults. Good rows lie apart by part of the table until all are read; then each part meets what the
table holds (`meeting`), is sorted and written (`write`). The parent watches, answers what words of regions mean, and
commits once (`load`). A job that was killed goes on from its last finished piece or part; one that is cancelled leaves
nothing.
"""
