"""Certificates for tests with TLS: an authority that lives as long as a folder does."""
import os
import subprocess


class Authority:
    """Signs certificates with the tool openssl; everything is written to `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate = self.path("ca.pem")
        self.openssl("req", "-x509", *self.new_key("ca.key"), "-out", "ca.pem", "-subj", "/CN=authority")

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True,
                       timeout=50)

    @staticmethod
    def new_key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name]

    def issue(self, name, alternative="DNS:localhost"):
        """The paths of a certificate for `name` and of its key."""
        with open(self.path("extensions"), "w", encoding="ascii") as file:
            file.write("subjectAltName=%s\n" % alternative)
        self.openssl("req", *self.new_key(name + ".key"), "-out", "request", "-subj", "/CN=" + name)
        self.openssl("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-extfile", "extensions", "-out", name + ".pem")
        return self.path(name + ".pem"), self.path(name + ".key")
