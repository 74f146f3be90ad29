"""Reads files out of fetched repositories without checking them out."""
import os
import re
import subprocess

import cv2
import numpy as np


class Snapshot:
    """One revision of a repository under `root`, as owner+name/repo (bare, or with a .git folder): its paths, and their bytes."""

    def __init__(self, root, repository, revision="HEAD"):
        self.root = root
        self.directory = os.path.join(root, repository.replace("/", "+"), "repo")
        if os.path.isdir(self.directory + "/.git"):
            self.directory += "/.git"
        if not os.path.isdir(self.directory):
            raise FileNotFoundError(f"{repository} has not been fetched")
        self.ids = {}
        self.add_tree(revision)
        self.reader = subprocess.Popen(["git", "--git-dir", self.directory, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def git(self, *arguments):
        return subprocess.run(["git", "--git-dir", self.directory, *arguments], capture_output=True, check=False).stdout

    def add_tree(self, revision):
        for line in self.git("ls-tree", "-r", "-z", revision).split(b"\0"):
            if b"\t" in line:
                about, path = line.split(b"\t", 1)
                self.ids.setdefault(path.decode("utf8", "replace"), about.split()[2].decode())

    def __contains__(self, path):
        return path in self.ids

    def paths(self, pattern):
        return sorted(p for p in self.ids if re.search(pattern, p, re.I))

    def read(self, path):
        """The file's bytes; None where it is absent, or only a large-file pointer."""
        if path not in self.ids:
            return None
        self.reader.stdin.write((self.ids[path] + "\n").encode())
        self.reader.stdin.flush()
        head = self.reader.stdout.readline().split()
        if head[1] == b"missing":
            return None
        data = self.reader.stdout.read(int(head[2]))
        self.reader.stdout.read(1)
        return None if data.startswith(b"version https://git-lfs") else data

    def text(self, path):
        return (self.read(path) or b"").decode("utf8", "replace")

    def image(self, path, flags=cv2.IMREAD_COLOR):
        """BGR pixels, or None."""
        data = self.read(path)
        return None if data is None else cv2.imdecode(np.frombuffer(data, np.uint8), flags)
