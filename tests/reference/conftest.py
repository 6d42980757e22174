"""The scripts here need PyTorch, so they are not collected for doctests."""

collect_ignore_glob = ["make_*.py"]
