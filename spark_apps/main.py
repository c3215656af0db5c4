"""Entry of the Spark image: bring runs to their verdict. Holds no logic; the transforms lie beside it."""

from calve.spark.command import main

if __name__ == "__main__":
    main()
